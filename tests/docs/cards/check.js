// A card on standard input -> what Microsoft's reader of adaptive cards has against it, as JSON.
'use strict'

const { readFileSync } = require('node:fs')
const { AdaptiveCard, SerializationContext, Versions } = require('adaptivecards/dist/adaptivecards.js')

const found = new SerializationContext(Versions.v1_4)
const card = new AdaptiveCard()
card.parse(JSON.parse(readFileSync(0, 'utf8')), found)
const against = Array.from({ length: found.eventCount }, (_, index) => found.getEventAt(index).message)
const invalid = card.validateProperties().validationEvents.map(one => one.message)
console.log(JSON.stringify([...against, ...invalid]))
