import { describe, expect, test } from 'bun:test'
import { parsePartHeader, PartHeaderError } from './part-header.ts'

const parse = (...lines: string[]) => parsePartHeader(Buffer.from(lines.join('\r\n')))
const fileName = (disposition: string) =>
  parse(`Content-Disposition: form-data; name="file"; ${disposition}`).fileName

describe('a file name', () => {
  test.each<[string, string, string | undefined]>([
    ['Chromium, Firefox, requests', 'filename="фото.jpg"', 'фото.jpg'],
    ['a browser', 'filename="日本.jpg"', '日本.jpg'],
    ['a browser', 'filename="it’s.jpg"', 'it’s.jpg'],
    ['macOS', 'filename="Screenshot at 9.41.00\u202fAM.png"', 'Screenshot at 9.41.00\u202fAM.png'],
    ['WHATWG escapes', 'filename="a %22b%22%0d%0A%41.jpg"', 'a "b"\r\n%41.jpg'],
    ['Go, curl 7.80', String.raw`filename="a \"b\" \\ c.jpg"`, String.raw`a "b" \ c.jpg`],
    ['Internet Explorer', String.raw`filename="C:\new\photo.jpg"`, String.raw`C:\new\photo.jpg`],
    ['a browser, of the file `a\\`', String.raw`filename="a\"`, String.raw`a\ `.trim()],
    ['a browser, of the file `a\\`', String.raw`filename="a\"; x="y"`, String.raw`a\ `.trim()],
    ['a semicolon', 'filename="a; name=b.jpg"', 'a; name=b.jpg'],
    ['aiohttp', 'filename="%D1%84.jpg"', '%D1%84.jpg'],
    ['.NET', 'filename="=?utf-8?B?0YQ=?="; filename*=utf-8\'\'%D1%84', 'ф'],
    ['Spring', "filename*=UTF-8''%D1%84.jpg", 'ф.jpg'],
    ['a language', "filename*=utf-8'en'%D1%84.jpg; filename=x", 'ф.jpg'],
    ['Latin-1 percent-encoded', "filename*=iso-8859-1''caf%E9", 'café'],
    ['broken percent-encoding', "filename=a.jpg; filename*=utf-8''%zz", 'a.jpg'],
    ['broken UTF-8', "filename=a.jpg; filename*=utf-8''%ff", 'a.jpg'],
    ['no charset', 'filename=a.jpg; filename*=b.jpg', 'a.jpg'],
    ['an unknown charset', "filename=a.jpg; filename*=klingon''b.jpg", 'a.jpg'],
    ['only a broken one', "filename*=utf-8''%zz", undefined],
    ['unquoted', 'filename=photo.jpg', 'photo.jpg'],
    ['unquoted with spaces and tabs', 'filename= my holiday\tphoto.jpg ', 'my holiday\tphoto.jpg'],
    ['no value', 'filename', ''],
    ['an empty value', 'filename=', ''],
    ['an empty quoted value', 'filename=""', ''],
    ['a trailing semicolon', 'filename="a.jpg";', 'a.jpg'],
    ['semicolons and spaces', ' ; ;filename = "a.jpg" ; ', 'a.jpg'],
    ['capitals', 'FileName="A.jpg"', 'A.jpg'],
    ['none', '', undefined],
  ])('of %s: %s', (_, disposition, expected) => {
    expect(fileName(disposition)).toBe(expected)
  })

  test('in raw Latin-1', () => {
    const block = Buffer.from('Content-Disposition: form-data; name="file"; filename="caf\xe9.jpg"', 'latin1')
    expect(parsePartHeader(block).fileName).toBe('café.jpg')
  })
})

describe('a header', () => {
  test('has a name, a media type and a charset, in any order and case', () => {
    const lines = ['content-TYPE: Text/Plain; charset="UTF-8";', 'CONTENT-disposition:FORM-DATA;name=recipe']
    const header = { name: 'recipe', fileName: undefined, mediaType: 'text/plain', charset: 'utf-8' }
    expect(parse(...lines)).toEqual(header)
    expect(parse(...lines.toReversed())).toEqual(header)
  })

  test('can be folded and have unknown lines', () => {
    const lines = ['X-Any: thing', 'Content-Disposition: form-data;', '\tname="file";', '  filename="a.jpg"']
    expect(parse(...lines, 'Content-Length: 3')).toMatchObject({ name: 'file', fileName: 'a.jpg' })
  })

  test.each(['', 'nonsense', 'image/', '/', ';x'])('with the media type "%s" has none', (type) => {
    const line = 'Content-Disposition: form-data; name="file"'
    expect(parse(line, `Content-Type: ${type}`).mediaType).toBeUndefined()
  })

  test.each([
    ['', 'no Content-Disposition'],
    ['Content-Type: image/jpeg', 'no Content-Disposition'],
    ['Content-Disposition: form-data', 'no name'],
    ['Content-Disposition: form-data; filename="name=x"', 'no name'],
    ['Content-Disposition: form-data; name', 'no name'],
    ['Content-Disposition: form-data; name=""', 'no name'],
    ["Content-Disposition: form-data; name*=utf-8''file", 'no name'],
    ['Content-Disposition: attachment; name="file"', '"attachment"'],
    ['Content-Disposition: ; name="file"', 'Content-Disposition ""'],
    ['Content-Disposition: form-data; name="file', 'no closing quote'],
    ['Content-Disposition: form-data; name="file"x', 'no closing quote'],
    ['Content-Disposition: form-data; name="a"; name="b"', '"name" twice'],
    ['Content-Disposition: form-data; ="a"', 'without a name'],
    ['Content-Disposition: form-data; name="a" filename="b"', 'no closing quote'],
    ['Content-Disposition: form-data; name="file"\r\nContent-Disposition: form-data; name="b"', 'twice'],
    ['Content-Disposition: form-data; name="file"\r\nno colon', 'no colon'],
    ['Content-Disposition: form-data; name="file"\r\n: nameless', 'no name'],
    ['Content-Disposition: form-data; name="file"\r\nX Y: z', 'no name'],
    ['Content-Disposition: form-data; name="a\nb"', 'control character'],
    ['Content-Disposition: form-data; name="a\rb"', 'control character'],
    ['Content-Disposition: form-data; name="a\0b"', 'control character'],
    ['Content-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64', '"base64"'],
  ])('%j is refused', (block, reason) => {
    expect(() => parse(block)).toThrow(PartHeaderError)
    expect(() => parse(block)).toThrow(reason)
  })

  test('with an identity Content-Transfer-Encoding is accepted', () => {
    const line = 'Content-Disposition: form-data; name="file"'
    for (const one of ['binary', '8BIT', '7bit']) parse(line, `Content-Transfer-Encoding: ${one}`)
  })
})
