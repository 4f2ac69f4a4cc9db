// Queries' files -> JSON: what Microsoft's parser has to say against each, and the columns that it
// gives. The tables are those that a query may ask, with their columns, on standard input.
'use strict'

const { readFileSync } = require('node:fs')

require('@kusto/language-service-next/bridge')
require('@kusto/language-service-next')

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language

const tables = Object.entries(JSON.parse(readFileSync(0, 'utf8'))).map(([name, columns]) =>
  Symbols.TableSymbol.From(columns).WithName(name))
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('logs', tables))

function list (found) {
  return Array.from({ length: found.Count }, (_, index) => found.getItem(index))
}

function check (file) {
  const code = KustoCode.ParseAndAnalyze(readFileSync(file, 'utf8'), globals)
  const against = list(code.GetDiagnostics()).map(one => `${one.Code}: ${one.Message}`)
  const columns = code.ResultType ? list(code.ResultType.Columns).map(one => one.Name) : []
  return { against, columns }
}

console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map(file => [file, check(file)]))))
