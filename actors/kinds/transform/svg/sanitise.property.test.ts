import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { allowList } from './allow-list.ts'
import { svgLimits } from './svg-limits.ts'
import { sanitise } from './sanitise.ts'

const { coordinates, data, elements, functions, properties } = allowList

const wrap = (body: string, attributes: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"${attributes}>${body}</svg>`

describe('for any input', () => {
  const words = (text: string) => text.trim().split(/\s+/)
  const pick = <T>(...of: readonly T[]) => fc.constantFrom(...of)
  const id = pick('a', 'b', 'c', 'd', 'e')
  const tag = pick(
    ...words(`
      g rect path use image text tspan style pattern mask marker symbol defs filter feImage
      feMorphology a script foreignObject animate x:y svg linearGradient
    `),
  )
  const href = fc.oneof(
    id.map((one) => `#${one}`),
    pick(
      'http://h/',
      'file:///etc/passwd',
      'javascript:x',
      'data:image/png;base64,QQ==',
      'data:text/html,x',
      '//h',
      'a.svg#b',
    ),
  )
  const quote = pick('', "'", '"', '\\', '/*', ' ')
  const url = fc
    .tuple(pick('url', 'URL', 'xurl', 'u\\72l', 'src', 'image', 'url '), quote, href, quote)
    .map(([f, q, to, e]) => `${f}(${q}${to}${e})`)
  const fragment = pick(
    ...words('red { } ; @import /* */ " \' ( ) <!-- --> ]]> \\ : fill: .a #b > , é 💥 url( 1e999 @media{'),
    ...words('&amp; &lt; &#60; &#x26; &quot; &#10;'),
    ' ',
    '\n',
    'blur(1px) ',
    '@media x {',
  )
  const value = fc
    .array(fc.oneof(url, fragment, id, fc.integer().map(String)), { maxLength: 8 })
    .map((all) => all.join(''))
  const name = pick(
    ...words(`
      id class style href xlink:href fill stroke mask filter marker-mid clip-path d points onload
      xml:base xml:space width viewBox opacity radius order transform font-family src
    `),
  )
  const attribute = fc.tuple(name, fc.oneof(value, href, id, url)).map(([one, text]) => {
    const escaped = text
      .replaceAll(/&(?![#\w]+;)/g, '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('"', '&quot;')
    return [one, `${one}="${escaped}"`] as const
  })
  const attributes = fc
    .uniqueArray(attribute, { selector: ([one]) => one, maxLength: 5 })
    .map((all) => all.map(([, text]) => ` ${text}`).join(''))
  const text = value.map((text) =>
    text
      .replaceAll(/&(?![#\w]+;)/g, '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll(']]>', ''),
  )
  const { element } = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(tag, attributes, fc.array(fc.oneof({ maxDepth: 4 }, text, tie('element')), { maxLength: 4 }))
      .map(
        ([one, all, children]) =>
          `<${one}${one === 'x:y' ? ' xmlns:x="urn:x"' : ''}${all}>${children.join('')}</${one}>`,
      ),
  }))
  const file = fc.tuple(attributes, fc.array(element, { maxLength: 6 })).map(([all, children]) => {
    const rest = all.replaceAll(/ (width|viewBox)="[^"]*"/g, '')
    return wrap(children.join(''), rest)
  })

  test('the output has allowed content only, no external reference, and is stable', () => {
    let kept = 0
    fc.assert(
      fc.property(file, (text) => {
        let left: string
        try {
          left = sanitise(text).text([])
        } catch (thrown) {
          // Rejected with a fault.
          return expect(thrown).toBeInstanceOf(Fault)
        }
        kept += 1
        const parser = new SaxesParser({ xmlns: true })
        parser.on('error', (error) => {
          throw error
        })
        let isSheet = false
        parser.on('closetag', () => {
          isSheet = false
        })
        parser.on('opentag', ({ local, uri, attributes: all }) => {
          isSheet = local === 'style'
          expect([uri, elements.all.has(local)]).toEqual(['http://www.w3.org/2000/svg', true])
          for (const one of Object.values(all)) expectHarmless(one.name, one.value)
        })
        // Shown text may have any content.
        parser.on('text', (text) => {
          if (isSheet) expectNoUrl(text)
        })
        parser.on('cdata', () => expect.unreachable())
        parser.on('comment', () => expect.unreachable())
        parser.on('processinginstruction', () => expect.unreachable())
        parser.write(left).close()
        expect(sanitise(left).text([])).toBe(left)
      }),
      { numRuns: 700 },
    )
    expect(kept).toBeGreaterThan(100)
  }, 120_000)

  function expectHarmless(attributeName: string, text: string): void {
    const known = ['xmlns', 'id', 'class', 'style', 'href', 'xml:space', 'xml:lang']
    expect([
      attributeName,
      known.includes(attributeName) || data.has(attributeName) || properties.has(attributeName),
    ]).toEqual([attributeName, true])
    if (attributeName === 'href') expect(text).toMatch(/^#[a-e]/)
    if (attributeName === 'style' || properties.has(attributeName)) expectNoUrl(text)
    expect(text.length <= svgLimits.attributeLength || coordinates.has(attributeName)).toBe(true)
  }

  function expectNoUrl(text: string): void {
    const bare = text.replaceAll(/url\(\s*(["']?)#[^\s"'()]+\1\s*\)/gi, '').replaceAll(/"[^"]*"|'[^']*'/g, '')
    expect(text).not.toMatch(/[\n\r\f]/)
    expect(bare).not.toMatch(/url|@|\\|\/\*|["'<]/i)
    for (const [, called = ''] of bare.matchAll(/([\w-]+)\(/g)) {
      expect([called, functions.has(called.toLowerCase()) || called === 'not']).toEqual([called, true])
    }
  }
})
