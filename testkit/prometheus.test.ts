import { expect, test } from 'bun:test'
import { readMetrics } from './prometheus.ts'

const fine = `# HELP a_total Some.
# TYPE a_total counter
a_total{x="1",y="a\\"b\\\\c\\nd"} 2
a_total{x="2",y=""} 3
# HELP b_seconds Time.
# TYPE b_seconds histogram
b_seconds_count 3
b_seconds_sum 1.5e-7
b_seconds_bucket{le="0.1"} 1
b_seconds_bucket{le="+Inf"} 3
# HELP c Now.
# TYPE c gauge
c NaN
`

test('reads what is as it should be', () => {
  const read = readMetrics(fine)
  expect(read.names).toEqual(['a_total', 'b_seconds', 'c'])
  expect(read.value('a_total')).toBe(5)
  expect(read.value('a_total', { x: '1', y: 'a"b\\c\nd' })).toBe(2)
  expect(read.value('a_total', { x: '3' })).toBe(0)
  expect(read.value('b_seconds_bucket', { le: '0.1' })).toBe(1)
  expect(read.value('b_seconds_sum')).toBe(1.5e-7)
  expect(read.value('c')).toBeNaN()
})

test.each([
  ['an open end', fine.trimEnd()],
  ['a name twice', fine + fine],
  ['no help', fine.replace('# HELP c Now.\n', '')],
  ['no type', fine.replace('# TYPE a_total counter\n', '')],
  ['another name', fine.replace('c NaN', 'd NaN')],
  ['a series twice', fine.replace('x="2",y=""', 'y="a\\"b\\\\c\\nd",x="1"')],
  ['a bare quote', fine.replace('a\\"b', 'a"b')],
  ['no number', fine.replace('} 3\na', '} three\na').replace('} 3\n#', '} three\n#')],
  ['a negative counter', fine.replace('y=""} 3', 'y=""} -3')],
  ['falling buckets', fine.replace('le="0.1"} 1', 'le="0.1"} 4')],
  ['no bucket for all', fine.replace('+Inf', '7')],
  ['a wrong count', fine.replace('_count 3', '_count 4')],
])('refuses %s', (_, text) => expect(() => readMetrics(text)).toThrow())
