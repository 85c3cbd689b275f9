import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { svgLimits } from './svg-limits.ts'
import { sanitise } from './sanitise.ts'

const wrap = (body: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9"${attributes}>${body}</svg>`
const clean = (body: string, attributes?: string) => {
  const text = sanitise(wrap(body, attributes)).text([])
  return text.slice(text.indexOf('>') + 1, -'</svg>'.length)
}
const fault = (text: string) => {
  try {
    sanitise(text)
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code
    throw thrown
  }
  throw new Error('no fault')
}

describe('the sanitiser keeps', () => {
  test.each([
    ['known elements and attributes', '<g id="a" class="b c" fill="red"><rect x="1"/></g>'],
    ['text with escaped characters', '<text>a &amp; b &lt; c</text>'],
    ['references within the file', '<use href="#a"></use><rect fill="url(#b) red"></rect>'],
    [
      'names as drawing programs give them',
      '<g id="Icons/Arrow-2.x_a:b+c"></g><use href="#Icons/Arrow-2.x_a:b+c"></use><g fill="url(#Icons/Arrow)"></g>',
    ],
    ['harmless declarations', '<rect style="fill:red;stroke-width:2"></rect>'],
    ['harmless rules', '<style>.a{fill:red}b &gt; c{stroke:url(#d)}</style>'],
  ])('%s', (_, body) => {
    expect(clean(body)).toBe(body.replace('<rect x="1"/>', '<rect x="1"></rect>'))
  })

  test.each([
    ['comments and processing instructions', '<!-- a --><?b c?>', ''],
    ['scripts with their content', '<script>a</script><g><script><rect/></script></g>', '<g></g>'],
    [
      'elements of other namespaces',
      '<p xmlns="http://www.w3.org/1999/xhtml"><rect/></p><x:y xmlns:x="z"/>',
      '',
    ],
    [
      'unknown elements and attributes',
      '<blink><rect/></blink><rect onclick="a" foo="b" xml:base="c"/>',
      '<rect></rect>',
    ],
    ['text outside text elements', '<g>a</g> b <title>c</title>', '<g></g>'],
    [
      'links to other files',
      '<use href="a.svg#b"/><image href="c.png"/><a href="#d"/>',
      '<use></use><image></image><a></a>',
    ],
    [
      'the text of a link outside a text element',
      '<a>b</a><text>c<a href="d">e</a></text>',
      '<a></a><text>c<a>e</a></text>',
    ],
    [
      'links on elements that cannot have one',
      '<rect href="#a"/><g xlink:href="#b"/>',
      '<rect></rect><g></g>',
    ],
    ['an xlink:href beside an href', '<use xlink:href="#a" href="#b"/>', '<use href="#b"></use>'],
    [
      'attributes that fetch a resource',
      '<rect fill="url(a.svg#b)" mask="url(\'http://c\')" filter="src(d)"/>',
      '<rect></rect>',
    ],
    [
      'attributes that hide a url() behind an escape',
      '<rect fill="u\\72l(#a)" mask="u&#x72;l(http:c)"/>',
      '<rect></rect>',
    ],
    [
      'declarations that fetch a resource',
      '<rect style="fill:red;background:url(a);mask:url(b);fill:url(&quot;#c&quot;)"/>',
      '<rect style="fill:red;fill:url(&quot;#c&quot;)"></rect>',
    ],
    [
      'at-rules',
      '<style>@import "a"; @media x { b { fill: red } } c { fill: red } @font-face { src: url(d) }</style>',
      '<style>c{fill:red}</style>',
    ],
    [
      'functions whose name only ends with url',
      '<rect fill="xurl(#a{b;c)" mask="éurl(#a)"/>',
      '<rect></rect>',
    ],
    ['comments in a url()', '<style>a{fill:url(#x/*)}b{fill:url(#*/;c)}</style>', ''],
    [
      'line breaks in strings',
      '<style>a{font-family:"x\ny"}</style><rect style="font-family:&quot;x&#10;y&quot;" font-family="&quot;x&#13;y"/>',
      '<style>a{font-family:&quot;x y&quot;}</style><rect style="font-family:&quot;x y&quot;"></rect>',
    ],
    [
      'a font size above the limit',
      '<text font-size="1e6" style="font-size:10001px;font:200in a"/><g font-size="700%"/><g font-size="9vw"/><style>a{font-size:2em;fill:red}</style>',
      '<text></text><g></g><g></g><style>a{fill:red}</style>',
    ],
    [
      'font sizes that multiply beyond the limit',
      '<g font-size="3em"><g style="font-size:200%"><g font-size="1.1em"/><g font-size="50px"/></g></g>',
      '<g font-size="3em"><g style="font-size:200%"><g></g><g font-size="50px"></g></g></g>',
    ],
    ['unterminated rules', '<style>a{fill:"}b{stroke:red}</style>', ''],
    ['rules in other languages', '<style type="text/less">a{fill:red}</style>', ''],
    ['invalid ids', '<g id="a b" /><g id="c&quot;d"/>', '<g></g><g></g>'],
    [
      'attributes longer than the limit',
      `<rect fill="${' '.repeat(svgLimits.attributeLength)}red"/>`,
      '<rect></rect>',
    ],
  ])('but not %s', (_, body, left) => {
    expect(clean(body)).toBe(left)
  })

  test('an embedded image, only at the URL given for it', () => {
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

  test('the same of an SVG without a namespace, or with a prefix', () => {
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
  expect(fault(text)).toBe(code as never)
})

test('content that is never rendered has no cost', () => {
  const times = '<use href="#a"/>'.repeat(1000)
  const shared = `<defs><g id="a">${'<g/>'.repeat(1000)}</g><g id="b">${times}</g></defs>`
  expect(sanitise(wrap(shared)).cost).toMatchObject({ layers: 0, canvases: 0 })
  expect(fault(wrap(`${shared}<use href="#b"/>`))).toBe('resource_limit_exceeded')
})

describe('no cost is hidden', () => {
  const expensive = (tag: string) => `<${tag} id="m">${'<rect filter="blur(2px)"/>'.repeat(50)}</${tag}>`
  const layers = (body: string) => sanitise(wrap(body)).cost.layers

  test.each([
    [
      'behind a rule that only seems to apply',
      '<mask id="n"/><style>rect:not(*){mask:url(#n)}</style><rect mask="url(#m)"/>',
    ],
    ['behind a later rule', '<mask id="n"/><style>#r{mask:url(#m)}rect{mask:url(#n)}</style><rect id="r"/>'],
    [
      'in a rule that depends on an ancestor',
      '<style>g &gt; rect.a:first-child{mask:url(#m)}</style><g><rect class="b a"/></g>',
    ],
    ['in a rule that depends on a sibling', '<style>g + rect{mask:url(#m)}</style><g/><rect/>'],
    ['behind a duplicate id', '<mask id="m"/><rect mask="url(#m)"/>'],
  ])('%s', (_, body) => {
    expect(layers(expensive('mask') + body)).toBeGreaterThan(50)
  })

  test.each([
    ['by inheritance', '<g fill="url(#m)"><rect/></g>'],
    ['by explicit inheritance', '<g fill="url(#m)"><rect fill="inherit"/></g>'],
    [
      'by explicit inheritance in a rule',
      '<style>rect{fill:unset}</style><g fill="url(#m)"><rect fill="red"/></g>',
    ],
    ['behind a rule without a reference', '<style>rect:not(*){fill:none}</style><rect fill="url(#m)"/>'],
    ['in a style attribute', '<rect fill="none" style="fill:url(&quot;#m&quot;)"/>'],
    ['in a nested text element', '<text><tspan stroke="url(#m)">a</tspan></text>'],
  ])('%s', (_, body) => {
    expect(layers(expensive('pattern') + body)).toBeGreaterThan(49)
  })

  test('but a reference that does not apply has no cost', () => {
    expect(layers(`${expensive('pattern')}<g fill="url(#m)"><rect fill="red"/></g>`)).toBe(0)
    expect(layers(`${expensive('mask')}<style>g g rect{mask:url(#m)}</style><g><rect/></g>`)).toBe(0)
  })

  test('in selectors that test ancestors and siblings', () => {
    const wide = '<g/>'.repeat(20_000)
    const deep = `${'<g>'.repeat(100)}${wide}${'</g>'.repeat(100)}`
    for (const selector of ['.a ~ g', 'g:nth-child(2)', 'g:last-of-type'])
      expect(fault(wrap(`<style>${selector}{fill:red}</style>${wide}`))).toBe('resource_limit_exceeded')
    const classes = `${'.a'.repeat(900)}{fill:red}`.repeat(100)
    const elements = `<g class="${'a '.repeat(30_000)}"/>`.repeat(10)
    expect(fault(wrap(`<style>${classes}</style>${elements}`))).toBe('resource_limit_exceeded')
    const rules = '.a .b{fill:red}'.repeat(50)
    expect(fault(wrap(`<style>${rules}</style>${deep}`))).toBe('resource_limit_exceeded')
    expect(layers(`<style>${rules}</style>${wide}`)).toBe(0)
  })

  test('in rules with many selectors, or in nested text elements', () => {
    const many = `${Array.from({ length: 900 }, () => 'a').join(',')}{opacity:.5}`.repeat(20)
    expect(fault(wrap(`<style>${many}</style>${'<g/>'.repeat(20_000)}`))).toBe('resource_limit_exceeded')
    const long = 'a'.repeat(svgLimits.textLength - 1)
    for (const within of ['<text/>', '<a><tspan/></a>'])
      expect(fault(wrap(`<text>${`${long}${within}`.repeat(2)}</text>`))).toBe('resource_limit_exceeded')
    expect(clean(`<text>${long}</text><text>${long}</text>`)).toContain(long)
  })
})
