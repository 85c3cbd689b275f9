import { describe, expect, test } from 'bun:test'
import { beginsAsSvg, isGzip, computeSvgSize, readSvgSize, parseViewBox } from './svg.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const utf16 = (text: string, order: 'le' | 'be') => {
  const file = Buffer.from(`\uFEFF${text}`, 'utf16le')
  return order === 'le' ? file : file.swap16()
}
const root = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"/>'

describe('beginsAsSvg detects an SVG', () => {
  test.each([
    ['bare', root],
    ['with a byte order mark', `\uFEFF${root}`],
    ['with white space before it', `\n\t ${root}`],
    ['with an XML declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${root}`],
    ['with comments', `<!-- made by <a tool> --><!----><!-- - -->${root}`],
    ['with processing instructions', `<?xml version="1.0"?><?xml-stylesheet href="a.css"?>${root}`],
    [
      'with a DOCTYPE',
      `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">${root}`,
    ],
    ['with declarations', `<!DOCTYPE svg [<!ENTITY a "]>"><!-- ]> -->]>${root}`],
    ['with a prefix', root.replace('<svg xmlns=', '<s:svg xmlns:s=')],
    ['spread over lines', root.replace(' ', '\r\n\t')],
  ])('%s', (_, text) => {
    for (const file of [bytes(text), utf16(text, 'le'), utf16(text, 'be')]) {
      expect(beginsAsSvg(file)).toBe(true)
      expect(readSvgSize(file)).toEqual({ width: 40, height: 30 })
      // No prefix may be detected as another format.
      for (let length = 0; length < file.length; length++) {
        expect(beginsAsSvg(file.subarray(0, length))).not.toBe(false)
      }
    }
  })

  test.each([
    ['an HTML page', '<!doctype html><html><body>'],
    ['other XML', '<?xml version="1.0"?><rss><svg/></rss>'],
    ['a longer name', '<svgs>'],
    ['a closing tag', '</svg>'],
    ['text before it', `x${root}`],
    ['only a name', 'svg'],
  ])('but not %s', (_, text) => {
    expect(beginsAsSvg(bytes(text))).toBe(false)
  })

  test('is undecided for an incomplete prefix', () => {
    for (const text of [
      '',
      '<',
      '<!',
      '<!-',
      '<!-- ',
      '<!DOC',
      '<!DOCTYPE svg [',
      '<?xml',
      '<sv',
      '<svg',
      '\uFEFF',
    ])
      expect([text, beginsAsSvg(bytes(text))]).toEqual([text, undefined])
    expect(readSvgSize(bytes('<svg width="10" '))).toBeUndefined()
  })

  test('isGzip detects a compressed file', () => {
    expect(isGzip(Bun.gzipSync(root))).toBe(true)
    expect(isGzip(bytes(root))).toBe(false)
  })
})

describe('the size of an SVG', () => {
  test.each([
    [{ width: '40', height: '30' }, 40, 30],
    [{ width: ' 40px ', height: '+30.4' }, 40, 30],
    [{ width: '1in', height: '2.54cm' }, 96, 96],
    [{ width: '25.4mm', height: '72pt' }, 96, 96],
    [{ width: '1e2', height: '.5E1em' }, 100, 80],
    [{ viewBox: '0 0 24 12' }, 24, 12],
    [{ viewBox: ' -1,-2 , 24.4 12 ' }, 24, 12],
    [{ width: '100%', height: '100%', viewBox: '0 0 24 12' }, 24, 12],
    [{ width: '48', viewBox: '0 0 24 12' }, 48, 24],
    [{ height: '48', viewBox: '0 0 24 12' }, 96, 48],
    [{ width: '48' }, 48, 150],
    [{}, 300, 150],
    [{ width: '0', height: '-4', viewBox: '0 0 0 9' }, 300, 150],
    [{ width: '0.2', height: '0.2' }, 1, 1],
    [{ width: '10furlongs', height: 'calc(1px)' }, 300, 150],
  ])('%j', (stated, width, height) => {
    expect(computeSvgSize(stated)).toEqual({ width, height })
  })

  test('can exceed what can be rendered, but is at least one pixel', () => {
    const { width, height } = computeSvgSize({ width: '1e300', viewBox: '0 0 1e300 1e-300' })
    expect(width * height > 1e9).toBe(true)
    expect(height).toBeGreaterThanOrEqual(1)
    expect(parseViewBox('0 0 1e999 1')).toBeUndefined()
    expect(computeSvgSize({ width: `${'9'.repeat(5000)}px` })).toEqual({ width: 300, height: 150 })
  })

  test('is found among other attributes, in single or double quotes', () => {
    const tag = `<svg a='x>"y' viewBox = '0 0 2 3' data-width="9" style="width:5px" disabled width="40"\n>`
    expect(readSvgSize(bytes(tag))).toEqual({ width: 40, height: 60 })
  })

  test('is searched for in linear time', () => {
    for (const flood of ['a ', '="', ' ', "a='", 'a="" ', '/', 'a']) {
      expect(readSvgSize(bytes(`<svg ${flood.repeat(256 * 1024)}`))).toBeUndefined()
    }
    for (const flood of ['<!--', '<!DOCTYPE "', "<!DOCTYPE [<!--'", '<?', ' ']) {
      expect(beginsAsSvg(bytes(flood.repeat(1000)))).toBeUndefined()
    }
  })
})
