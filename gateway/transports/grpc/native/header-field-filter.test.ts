import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { field, indexedField } from '../../../testing/hpack.ts'
import { createHeaderFieldFilter, removedHeader, maxStringLength } from './header-field-filter.ts'
import { huffmanLength } from './huffman-length.ts'

function filtered(block: Uint8Array, sizes: readonly number[] = [block.length]): Buffer {
  const filter = createHeaderFieldFilter()
  for (let at = 0, i = 0; at < block.length; i += 1) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1)
    filter.write(block.subarray(at, at + size))
    at += size
  }
  return filter.end()
}

// The examples of RFC 7541, appendix C.
test.each([
  ['f1e3c2e5f23a6ba0ab90f4ff', 'www.example.com'],
  ['d07abe941054d444a8200595040b8166e082a62d1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'],
  [
    '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
  ['', ''],
])('%s has as many characters as "%s"', (packed, text) => {
  expect(huffmanLength(Buffer.from(packed, 'hex'))).toBe(text.length)
})

const small = fc.oneof(
  fc.integer({ min: 1, max: 200 }).map(indexedField),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 200 }), fc.string({ maxLength: 300 }), fc.boolean())
    .map(([name, value, isIndexed]) =>
      field(name.replaceAll(/[^a-z]/g, 'x'), value.replaceAll(/[^ -~]/g, 'y'), { isIndexed }),
    ),
)
const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 })

test('a block without long strings is unchanged, however it is split', () => {
  fc.assert(
    fc.property(fc.array(small, { minLength: 1, maxLength: 20 }), sizes, (fields, split) => {
      const block = Buffer.concat(fields)
      expect(filtered(block, split).equals(block)).toBe(true)
    }),
  )
})

test('long strings are replaced and other fields are unchanged, however the block is split', () => {
  const long = fc.record({
    isIndexed: fc.boolean(),
    length: fc.integer({ min: maxStringLength + 1, max: 300_000 }),
    isHuffman: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(small, { maxLength: 5 }),
      long,
      fc.array(small, { maxLength: 5 }),
      sizes,
      (before, big, after, split) => {
        const { isIndexed, length, isHuffman } = big
        const replacement = field(removedHeader, '1'.repeat(isIndexed ? 4096 : 1), { isIndexed })
        const removed = field('x-long', isHuffman ? '' : 'v'.repeat(length), {
          isIndexed,
          ...(isHuffman ? { zeros: length } : {}),
        })
        const rest = filtered(Buffer.concat([...before, removed, ...after]), split)
        expect(rest.equals(Buffer.concat([...before, replacement, ...after]))).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

test('a long string is not held while it arrives', () => {
  const filter = createHeaderFieldFilter()
  const block = field('x-long', 'v'.repeat(4_000_000))
  for (let at = 0; at < block.length; at += 16_384) {
    filter.write(block.subarray(at, at + 16_384))
    expect(filter.bytes).toBeLessThan(20_000)
  }
})

test.each([
  ['that ends in a long string', field('x-long', 'v'.repeat(100_000)).subarray(0, 90_000)],
  ['whose length never ends', Buffer.from([0, 1, 97, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
])('a block %s stays invalid', (_, block) => {
  const rest = filtered(block)
  expect(rest.equals(block) || rest.at(-1) === 0x80).toBe(true)
})
