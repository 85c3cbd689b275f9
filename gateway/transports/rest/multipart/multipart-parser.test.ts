import { describe, expect, test } from 'bun:test'
import { createMultipartParser, maxHeaderBytes, type MultipartEvent } from './multipart-parser.ts'

/** The parts of a body as `name=content`, then how it ends: `end`, null for truncated, or the error. */
function parse(...reads: Uint8Array[]): (string | null)[] {
  const events: MultipartEvent[] = []
  const parser = createMultipartParser('b-1', (event) => events.push(event))
  for (const read of reads) parser.write(read)
  parser.end()
  const found: (string | null)[] = []
  let content = ''
  for (const event of events) {
    if (event.type === 'chunk') content += Buffer.from(event.chunk).toString('latin1')
    else if (event.type === 'part') content = `${event.header.name}=`
    else if (event.type === 'part-end') found.push(content)
    else if (event.type === 'end') found.push('end')
    // The content of an incomplete part is not compared.
    else found.push(event.type === 'truncated' ? null : event.detail)
  }
  return found
}

const bytes = (text: string) => Buffer.from(text, 'latin1')
const header = (name: string) => `\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`
const part = (name: string, content: string) => `--b-1${header(name)}${content}\r\n`
const end = '--b-1--\r\n'

const missing = 'The first 16384 bytes of the body do not contain the boundary "b-1".'
const cut = 'The header of a part is incomplete.'
const padded = 'The line of a boundary has other characters after the boundary.'

/** Bodies with their expected result, as `parse` returns it. */
const bodies: Record<string, readonly [string, ...(string | null)[]]> = {
  'an ordinary form': [
    part('file', 'JPEG') + part('recipe', 'flip') + end,
    'file=JPEG',
    'recipe=flip',
    'end',
  ],
  'content that looks like boundaries': [
    part('file', '\r\n--b-\r\n--b\r\r\n\r\n--\r\n-') + end,
    'file=\r\n--b-\r\n--b\r\r\n\r\n--\r\n-',
    'end',
  ],
  'empty parts': [part('file', '') + part('recipe', '') + end, 'file=', 'recipe=', 'end'],
  'a part without an empty line': [
    `--b-1\r\nContent-Disposition: form-data; name="a"\r\n\r\n${part('b', 'x')}${end}`,
    'a=',
    'b=x',
    'end',
  ],
  'a preamble and an epilogue': [
    `This is MIME.\r\n${part('file', 'JPEG')}${end}and more --b-1\r\n--b-1`,
    'file=JPEG',
    'end',
  ],
  'spaces behind boundaries': [`--b-1 \t${header('file')}JPEG\r\n--b-1-- \r\n`, 'file=JPEG', 'end'],
  'no closing boundary': [part('file', 'JPEG'), null],
  'half a closing boundary': [`${part('file', 'JPEG')}--b-1-`, 'file=JPEG', null],
  'no parts': [end, 'end'],
  nothing: ['', null],
  'no boundary': ['JPEG\r\n--b-2\r\n', missing],
  'a part without a name': [
    `${part('file', 'JPEG')}--b-1\r\nContent-Disposition: form-data\r\n\r\nx\r\n${end}`,
    'file=JPEG',
    'A part has no name in its Content-Disposition header.',
  ],
  'a part without a header': [`--b-1\r\n\r\nx\r\n${end}`, 'A part has no Content-Disposition header.'],
  'two boundaries in a row': [`--b-1\r\n--b-1${header('file')}JPEG\r\n${end}`, cut],
  'two boundaries behind a part': [`${part('file', 'JPEG')}--b-1\r\n--b-1\r\n--b-1--`, 'file=JPEG', cut],
  'a longer boundary': [`--b-12${header('file')}JPEG\r\n${end}`, padded],
  'line feeds only': [`--b-1\nContent-Disposition: form-data; name="a"\n\nx\n--b-1--\n`, null],
  'a header without an end': [`--b-1\r\nContent-Disposition: form-data; name="a"`, null],
  'a header cut by a boundary': [`--b-1\r\nContent-Dispo\r\n${end}`, cut],
}

describe('the result does not depend on how the body is split:', () => {
  test.each(Object.entries(bodies))('%s', (_, [text, ...whole]) => {
    const body = bytes(text)
    expect(parse(body)).toEqual(whole)
    expect(parse(...Array.from(body, (one) => Uint8Array.of(one)))).toEqual(whole)
    for (let at = 0; at <= body.length; at++) {
      expect([at, parse(body.subarray(0, at), body.subarray(at))]).toEqual([at, whole])
      const later = Math.min(body.length, at + 1 + (at % 7))
      expect([at, parse(body.subarray(0, at), body.subarray(at, later), body.subarray(later))]).toEqual([
        at,
        whole,
      ])
    }
  })

  test('a body truncated at any byte is an error', () => {
    const body = bytes(bodies['an ordinary form']?.[0] ?? '')
    const whole = body.lastIndexOf('--') + 2
    for (let at = 0; at < whole; at++) {
      const last = parse(body.subarray(0, at)).at(-1)
      expect([at, last === null || String(last).startsWith('The first 16384')]).toEqual([at, true])
    }
    expect(parse(body.subarray(0, whole)).at(-1)).toBe('end')
  })
})

describe('limits are exact:', () => {
  const fill = (text: string, length: number) => text + 'x'.repeat(length - text.length)
  const splits = (body: Buffer) => [
    [body],
    [body.subarray(0, maxHeaderBytes - 1), body.subarray(maxHeaderBytes - 1)],
    Array.from({ length: Math.ceil(body.length / 5) }, (_, i) => body.subarray(i * 5, i * 5 + 5)),
  ]
  const expectSameResult = (text: string) => {
    const [whole, ...others] = splits(bytes(text)).map((reads) => parse(...reads))
    for (const other of others) expect(other).toEqual(whole as (string | null)[])
    return whole?.at(-1)
  }

  test('the header of a part', () => {
    const lines = '\r\nContent-Disposition: form-data; name="a"\r\nX: '
    const form = (length: number) => `--b-1${fill(lines, length)}\r\n\r\ncontent\r\n${end}`
    expect(expectSameResult(form(maxHeaderBytes))).toBe('end')
    expect(expectSameResult(form(maxHeaderBytes + 1))).toBe(
      `The header of a part is longer than ${maxHeaderBytes} bytes.`,
    )
  })

  test('the preamble before the first part', () => {
    const form = (length: number) => `${fill('', length)}\r\n${part('a', 'b')}${end}`
    expect(expectSameResult(form(maxHeaderBytes))).toBe('end')
    expect(expectSameResult(form(maxHeaderBytes + 1))).toStartWith('The first 16384 bytes')
  })
})

test('a mutated body has the same result in one read and byte by byte, and ends once', () => {
  const random = randomFrom(20_261_121)
  const pieces = [
    '\r\n',
    '--',
    '--b-1',
    '\r\n--b-1',
    '"',
    ';',
    '\\',
    '=',
    ':',
    ' ',
    '\0',
    '\xff',
    'name',
    "''%zz",
  ]
  const bases = Object.values(bodies)
  for (let round = 0; round < 4000; round++) {
    let text = bases[random(bases.length)]?.[0] ?? ''
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(text.length + 1)
      const piece = random(2) ? (pieces[random(pieces.length)] ?? '') : String.fromCharCode(random(256))
      text = text.slice(0, at) + piece + text.slice(at + random(3))
    }
    const body = bytes(text)
    const whole = parse(body)
    const outcomes = whole.filter((one) => one === null || one === 'end')
    expect(outcomes.length).toBeLessThanOrEqual(1)
    expect(['string', 'object']).toContain(typeof whole.at(-1))
    expect([text, parse(...Array.from(body, (one) => Uint8Array.of(one)))]).toEqual([text, whole])
  }
})

/** A xorshift generator with a fixed seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
