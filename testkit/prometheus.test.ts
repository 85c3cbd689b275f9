import { expect, test } from 'bun:test'
import { parsePrometheus } from './prometheus.ts'

const valid = `# HELP a_total Some.
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

test('parses valid text', () => {
  const read = parsePrometheus(valid)
  expect(read.names).toEqual(['a_total', 'b_seconds', 'c'])
  expect(read.value('a_total')).toBe(5)
  expect(read.value('a_total', { x: '1', y: 'a"b\\c\nd' })).toBe(2)
  expect(read.value('a_total', { x: '3' })).toBe(0)
  expect(read.value('b_seconds_bucket', { le: '0.1' })).toBe(1)
  expect(read.value('b_seconds_sum')).toBe(1.5e-7)
  expect(read.value('c')).toBeNaN()
})

test.each([
  ['a missing line break at the end', valid.trimEnd()],
  ['a duplicate metric', valid + valid],
  ['a missing HELP', valid.replace('# HELP c Now.\n', '')],
  ['a missing TYPE', valid.replace('# TYPE a_total counter\n', '')],
  ['a sample of another metric', valid.replace('c NaN', 'd NaN')],
  ['a duplicate series', valid.replace('x="2",y=""', 'y="a\\"b\\\\c\\nd",x="1"')],
  ['an unescaped quote', valid.replace('a\\"b', 'a"b')],
  ['an invalid number', valid.replace('} 3\na', '} three\na').replace('} 3\n#', '} three\n#')],
  ['a negative counter', valid.replace('y=""} 3', 'y=""} -3')],
  ['decreasing buckets', valid.replace('le="0.1"} 1', 'le="0.1"} 4')],
  ['a missing +Inf bucket', valid.replace('+Inf', '7')],
  ['a wrong count', valid.replace('_count 3', '_count 4')],
])('rejects %s', (_, text) => expect(() => parsePrometheus(text)).toThrow())
