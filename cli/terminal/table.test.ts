import { expect, test } from 'bun:test'
import { styleOf } from './style.ts'
import { truncate, formatTable, type Column } from './table.ts'

const style = styleOf({}, false)
const columns: Column[] = [
  { head: 'NAME', omitOrder: 0 },
  { head: 'STATE', omitOrder: 1 },
  { head: 'KINDS', omitOrder: 2 },
]
const rows = [{ cells: ['host.1', 'ready', 'transform'] }, { cells: ['host.22', 'draining', ''] }]

test('a pipe has all columns', () => {
  expect(formatTable(columns, rows, { width: undefined, style })).toEqual([
    'NAME     STATE     KINDS',
    'host.1   ready     transform',
    'host.22  draining',
  ])
})

test.each([28, 27, 20, 17, 16, 7, 5, 1])('no line is wider than a terminal of %i columns', (width) => {
  const lines = formatTable(columns, rows, { width, style })
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
  expect(lines[0]?.includes('KINDS')).toBe(width >= 28)
  expect(lines[0]?.includes('STATE')).toBe(width >= 17)
})

test('a cut text ends with an ellipsis', () => {
  expect([truncate('abcdef', 6), truncate('abcdef', 4), truncate('abcdef', undefined)]).toEqual([
    'abcdef',
    'abc…',
    'abcdef',
  ])
})
