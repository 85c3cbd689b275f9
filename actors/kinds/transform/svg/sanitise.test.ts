import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { coordinates, data, elements, functions, properties } from './allowed.ts'
import { limits } from './limits.ts'
import { sanitise } from './sanitise.ts'

const wrap = (body: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"${attributes}>${body}</svg>`
const clean = (body: string, attributes?: string) => {
  const text = sanitise(wrap(body, attributes)).text([])
  return text.slice(text.indexOf('>') + 1, -'</svg>'.length)
}
const refusal = (text: string) => {
  try {
    sanitise(text)
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code
    throw thrown
  }
  throw new Error('no fault')
}

describe('of an SVG is left', () => {
  test.each([
    ['what is known', '<g id="a" class="b c" fill="red"><rect x="1"/></g>'],
    ['text with what stands for other characters', '<text>a &amp; b &lt; c</text>'],
    ['references within the file', '<use href="#a"></use><rect fill="url(#b) red"></rect>'],
    ['declarations that only say how it looks', '<rect style="fill:red;stroke-width:2"></rect>'],
    ['rules that only say how it looks', '<style>.a{fill:red}b &gt; c{stroke:url(#d)}</style>'],
  ])('%s', (_, body) => {
    expect(clean(body)).toBe(body.replace('<rect x="1"/>', '<rect x="1"></rect>'))
  })

  test.each([
    ['comments and instructions', '<!-- a --><?b c?>', ''],
    ['scripts, with all that is in them', '<script>a</script><g><script><rect/></script></g>', '<g></g>'],
    ['what is not SVG', '<p xmlns="http://www.w3.org/1999/xhtml"><rect/></p><x:y xmlns:x="z"/>', ''],
    ['what nobody knows', '<blink><rect/></blink><rect onclick="a" foo="b" xml:base="c"/>', '<rect></rect>'],
    ['text outside of texts', '<g>a</g> b <title>c</title>', '<g></g>'],
    [
      'links out of the file',
      '<use href="a.svg#b"/><image href="c.png"/><a href="#d"/>',
      '<use></use><image></image><a></a>',
    ],
    ['links where none belong', '<rect href="#a"/><g xlink:href="#b"/>', '<rect></rect><g></g>'],
    ['the older of two links', '<use xlink:href="#a" href="#b"/>', '<use href="#b"></use>'],
    [
      'values that fetch',
      '<rect fill="url(a.svg#b)" mask="url(\'http://c\')" filter="src(d)"/>',
      '<rect></rect>',
    ],
    ['values that hide', '<rect fill="u\\72l(#a)" mask="u&#x72;l(http:c)"/>', '<rect></rect>'],
    [
      'declarations that do',
      '<rect style="fill:red;background:url(a);mask:url(b);fill:url(&quot;#c&quot;)"/>',
      '<rect style="fill:red;fill:url(&quot;#c&quot;)"></rect>',
    ],
    [
      'rules with an @',
      '<style>@import "a"; @media x { b { fill: red } } c { fill: red } @font-face { src: url(d) }</style>',
      '<style>c{fill:red}</style>',
    ],
    ['rules that do not end', '<style>a{fill:"}b{stroke:red}</style>', ''],
    ['rules in other languages', '<style type="text/less">a{fill:red}</style>', ''],
    ['names that are none', '<g id="a b" /><g id="c&quot;d"/>', '<g></g><g></g>'],
    ['endless values', `<rect fill="${' '.repeat(limits.attributeLength)}red"/>`, '<rect></rect>'],
  ])('but not %s', (_, body, left) => {
    expect(clean(body)).toBe(left)
  })

  test('a picture when it stands in the file, and only at an address that is given to it', () => {
    const file = wrap(
      '<image href=" data:image/PNG;charset=x;base64, QUJD\n RA== "/><image href="data:image/svg+xml;base64,QQ=="/>',
    )
    const { embedded, text } = sanitise(file)
    expect(embedded.map(({ bytes }) => bytes.toString())).toEqual(['ABCD'])
    expect(text(['data:x'])).toContain('<image href="data:x"></image><image></image>')
    expect(text([])).toContain('<image></image><image></image>')
  })

  test('a root that states its size in pixels', () => {
    const root = (attributes: string) => {
      const text = sanitise(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}/>`).text([])
      return /<svg xmlns="[^"]*" (.*)><\/svg>/.exec(text)?.[1]
    }
    expect(root('width="1in" height="48" onload="a"')).toBe('width="96" height="48" viewBox="0 0 96 48"')
    expect(root('viewBox="1 2 3 4" style="width:99px;fill:red"')).toBe(
      'width="3" height="4" viewBox="1 2 3 4" style="fill:red"',
    )
  })

  test('as much of one without a namespace, or with a prefix', () => {
    expect(sanitise('<svg><rect/></svg>').text([])).toContain('<rect></rect>')
    expect(sanitise('<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:rect/><rect/></s:svg>').text([])).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [^>]*><rect><\/rect><\/svg>$/,
    )
  })
})

test.each([
  ['corrupt_image', ''],
  ['corrupt_image', '<svg'],
  ['corrupt_image', '<svg></g>'],
  ['corrupt_image', '<svg><g a="1" a="2"/></svg>'],
  ['corrupt_image', '<svg/><svg/>'],
  ['corrupt_image', '<svg>&nbsp;</svg>'],
  ['corrupt_image', '<html xmlns="http://www.w3.org/1999/xhtml"><svg/></html>'],
  ['corrupt_image', '<svg xmlns="http://example.org/"/>'],
  [
    'corrupt_image',
    wrap('<pattern id="a"><use href="#b"/></pattern><g id="b" fill="url(#a)"><rect fill="url(#a)"/></g>'),
  ],
  ['corrupt_image', wrap('<style>g rect{mask:url(#m)}</style><g><mask id="m"><rect/></mask><rect/></g>')],
  ['unsupported_format', '<!DOCTYPE svg [<!ENTITY a "b">]><svg/>'],
  ['unsupported_format', '<!DOCTYPE svg [ ]><svg/>'],
])('%s: %s', (code, text) => {
  expect(refusal(text)).toBe(code as never)
})

test('what is never shown is not counted', () => {
  const times = '<use href="#a"/>'.repeat(1000)
  const shelf = `<defs><g id="a">${'<g/>'.repeat(1000)}</g><g id="b">${times}</g></defs>`
  expect(sanitise(wrap(shelf)).cost).toEqual({ layers: 0, canvases: 0 })
  expect(refusal(wrap(`${shelf}<use href="#b"/>`))).toBe('out_of_bounds')
})

describe('whatever is in a file', () => {
  const words = (text: string) => text.trim().split(/\s+/)
  const pick = <T>(...of: readonly T[]) => fc.constantFrom(...of)
  const id = pick('a', 'b', 'c', 'd', 'e')
  const tag = pick(
    ...words(`
      g rect path use image text tspan style pattern mask marker symbol defs filter feImage
      feMorphology a script foreignObject animate x:y svg linearGradient
    `),
  )
  const address = fc.oneof(
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
    .tuple(pick('url', 'URL', 'u\\72l', 'src', 'image', 'url '), quote, address, quote)
    .map(([f, q, to, e]) => `${f}(${q}${to}${e})`)
  const scrap = pick(
    ...words('red { } ; @import /* */ " \' ( ) <!-- --> ]]> \\ : fill: .a #b > , é 💥 url( 1e999 @media{'),
    ...words('&amp; &lt; &#60; &#x26; &quot; &#10;'),
    ' ',
    'blur(1px) ',
    '@media x {',
  )
  const value = fc
    .array(fc.oneof(url, scrap, id, fc.integer().map(String)), { maxLength: 8 })
    .map((all) => all.join(''))
  const name = pick(
    ...words(`
      id class style href xlink:href fill stroke mask filter marker-mid clip-path d points onload
      xml:base xml:space width viewBox opacity radius order transform font-family src
    `),
  )
  const attribute = fc.tuple(name, fc.oneof(value, address, id, url)).map(([one, text]) => {
    const escaped = text
      .replaceAll(/&(?![#\w]+;)/g, '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('"', '&quot;')
    return [one, `${one}="${escaped}"`] as const
  })
  const attributes = fc
    .uniqueArray(attribute, { selector: ([one]) => one, maxLength: 5 })
    .map((all) => all.map(([, text]) => ` ${text}`).join(''))
  const inside = value.map((text) =>
    text
      .replaceAll(/&(?![#\w]+;)/g, '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll(']]>', ''),
  )
  const { element } = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(tag, attributes, fc.array(fc.oneof({ maxDepth: 4 }, inside, tie('element')), { maxLength: 4 }))
      .map(
        ([one, all, children]) =>
          `<${one}${one === 'x:y' ? ' xmlns:x="urn:x"' : ''}${all}>${children.join('')}</${one}>`,
      ),
  }))
  const file = fc.tuple(attributes, fc.array(element, { maxLength: 6 })).map(([all, children]) => {
    const rest = all.replaceAll(/ (width|viewBox)="[^"]*"/g, '')
    return wrap(children.join(''), rest)
  })

  test('what is left is known, leads nowhere, and stays as it is', () => {
    let kept = 0
    fc.assert(
      fc.property(file, (text) => {
        let left: string
        try {
          left = sanitise(text).text([])
        } catch (thrown) {
          // Refused, in words of ours.
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
        // Text that is shown may say anything.
        parser.on('text', (said) => {
          if (isSheet) expectNoAddress(said)
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
    if (attributeName === 'style' || properties.has(attributeName)) expectNoAddress(text)
    expect(text.length <= limits.attributeLength || coordinates.has(attributeName)).toBe(true)
  }

  function expectNoAddress(text: string): void {
    const bare = text.replaceAll(/url\(\s*(["']?)#[^\s"'()]+\1\s*\)/gi, '').replaceAll(/"[^"]*"|'[^']*'/g, '')
    expect(bare).not.toMatch(/url|@|\\|\/\*|["'<]/i)
    for (const [, called = ''] of bare.matchAll(/([\w-]+)\(/g)) {
      expect([called, functions.has(called.toLowerCase()) || called === 'not']).toEqual([called, true])
    }
  }
})
