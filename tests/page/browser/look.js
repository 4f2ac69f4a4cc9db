// Reports -> JSON: what a browser and axe find in each, without a network; and a picture of each, at the
// width of a screen, at that of a phone, and as printed on A4.
// node look.js <browser> <folder for the pictures> <report>...
'use strict'

const path = require('node:path')
const { pathToFileURL } = require('node:url')
const axe = require('axe-core')
const puppeteer = require('puppeteer-core')

const LONGEST = 1600 // pixels of a picture from its top
const SCREENS = {
  1280: { width: 1280, height: 900 },
  390: { width: 390, height: 844, deviceScaleFactor: 1 },
  print: { width: 794, height: 1123 } // A4 at 96 pixels an inch
}

async function picture (page, name, file) {
  const screen = SCREENS[name]
  await page.setViewport(screen)
  await page.emulateMediaType(name === 'print' ? 'print' : 'screen')
  const seen = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth, high: document.documentElement.scrollHeight
  }))
  const clip = { x: 0, y: 0, width: screen.width, height: Math.min(seen.high, LONGEST) }
  await page.screenshot({ path: file, clip, captureBeyondViewport: true })
  return seen.wide - screen.width
}

async function violations (page, theme) {
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: theme }, { name: 'prefers-reduced-motion', value: 'reduce' }
  ])
  await page.evaluate(() => document.querySelectorAll('details').forEach(one => { one.open = true }))
  await page.evaluate(axe.source)
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  await page.evaluate(() => document.querySelectorAll('details').forEach(one => { one.open = false }))
  return found.violations.map(one => `${theme} ${one.id}: ${one.nodes.map(node => node.html).slice(0, 3).join(' ')}`)
}

async function look (browser, folder, report) {
  const url = pathToFileURL(report).href
  const page = await browser.newPage()
  const requests = []
  const said = []
  page.on('request', one => { if (!one.url().startsWith('data:')) requests.push(one.url()) })
  page.on('console', one => said.push(one.text()))
  page.on('pageerror', one => said.push(String(one)))
  page.on('dialog', async one => { said.push(`dialog: ${one.message()}`); await one.dismiss() })
  await page.setOfflineMode(true)
  await page.goto(url)
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }])
  const beyond = {}
  for (const name of Object.keys(SCREENS)) {
    const file = path.join(folder, `${path.parse(report).name}-${name}.png`)
    beyond[name] = await picture(page, name, file)
  }
  await page.setViewport(SCREENS[1280])
  await page.emulateMediaType('screen')
  const inside = await page.evaluate(() => ({
    text: document.body.textContent,
    styled: getComputedStyle(document.body).maxWidth !== 'none',
    broken: [...document.images].filter(one => !one.complete || !one.naturalWidth).length,
    moving: document.getAnimations().length,
    tags: [...new Set([...document.querySelectorAll('*')].map(one => one.tagName.toLowerCase()))]
  }))
  const against = [...await violations(page, 'light'), ...await violations(page, 'dark')]
  await page.close()
  return { requests: requests.filter(one => one !== url), said, beyond, axe: against, ...inside }
}

async function main ([chrome, folder, ...reports]) {
  // No sandbox: it runs as root in containers, and opens only files of our own.
  const browser = await puppeteer.launch({ executablePath: chrome, args: ['--no-sandbox', '--hide-scrollbars'] })
  const found = {}
  for (const report of reports) found[path.parse(report).name] = await look(browser, folder, report)
  await browser.close()
  console.log(JSON.stringify(found))
}

main(process.argv.slice(2))
