import { expect, test } from 'bun:test'
import { groupSystemCalls, parseStraceTable } from './count-system-calls.ts'

const table = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000300          10        30           openat
 40.00    0.000200           5        40         2 futex
  0.00    0.000000           0         2           getpid
------ ----------- ----------- --------- --------- ----------------
100.00    0.000500           6        72         2 total
`

test('the table of strace is parsed and grouped', () => {
  const calls = parseStraceTable(table)
  expect(calls).toEqual({ openat: 30, futex: 40, getpid: 2 })
  expect(groupSystemCalls(calls, 10)).toEqual({ 'files opened': 3, 'locks between threads': 4, other: 0.2 })
})
