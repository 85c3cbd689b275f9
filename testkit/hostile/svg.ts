import { gzipSync } from 'node:zlib'
import type { FaultCode } from '@pixelflow/core/fault'
import { hugeHeaders } from './headers.ts'

/** Hostile drawings made by code, and the expected result of each. */
export interface SvgAttack {
  readonly name: string
  readonly bytes: Uint8Array
  /** How it ends; `drawn` when what is bad is left out and the rest is a picture. */
  readonly end: FaultCode | 'image'
  /** Whether it is bad only by its size, and is drawn when a recipe makes it as small as an icon. */
  readonly isCheapWhenSmall?: boolean
}

const space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'

/** A drawing with so many user units and pixels a side. */
export function svg(body: string, size: number | string = 100, prolog = ''): Uint8Array {
  return new TextEncoder().encode(`${prolog}<svg ${space} width="${size}" height="${size}">${body}</svg>`)
}

/** Elements each of which shows the next one several times. */
function tower(
  levels: number,
  times: number,
  show: (id: string) => string,
  wrap: (id: string, body: string) => string,
) {
  const floors = Array.from({ length: levels }, (_, i) => wrap(`f${i}`, show(`f${i + 1}`).repeat(times)))
  return `<defs>${floors.join('')}${wrap(`f${levels}`, '<rect width="9" height="9"/>')}</defs>`
}
const group = (id: string, body: string) => `<g id="${id}">${body}</g>`
const use = (id: string) => `<use href="#${id}"/>`

const box = 'width="10" height="10"'
const pattern = (id: string, body: string) =>
  `<pattern id="${id}" ${box} patternUnits="userSpaceOnUse">${body}</pattern>`
const filled = (id: string) => `<rect ${box} fill="url(#${id})"/>`
const mask = (id: string, body: string) => `<mask id="${id}">${body}</mask>`
const masked = (id: string) => `<rect ${box} mask="url(#${id})"/>`
const marker = (id: string, body: string) => `<marker id="${id}">${body}</marker>`
const marked = (id: string) => `<path d="M0 0L1 1L2 2L3 3L4 4" marker-mid="url(#${id})"/>`

const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')
const filters = (primitive: string, times: number, size: number) =>
  svg(
    `<filter id="f">${primitive.repeat(times)}</filter><rect width="100%" height="100%" filter="url(#f)"/>`,
    size,
  )

const limitExceeded = 'resource_limit_exceeded'

/** Attacks on the resources of the parser or renderer. */
export const svgBombs: readonly SvgAttack[] = [
  {
    name: 'billion laughs',
    bytes: svg('<text>&l9;</text>', 100, `<!DOCTYPE svg [<!ENTITY l0 "lol">${laughs}]>`),
    end: 'unsupported_format',
  },
  {
    name: 'quadratic blowup',
    bytes: svg(
      `<text>${'&a;'.repeat(50_000)}</text>`,
      100,
      `<!DOCTYPE svg [<!ENTITY a "${'a'.repeat(50_000)}">]>`,
    ),
    end: 'unsupported_format',
  },
  {
    name: 'entities in parameters',
    bytes: svg('', 100, '<!DOCTYPE svg [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>'),
    end: 'unsupported_format',
  },
  { name: 'an undeclared entity', bytes: svg('<text>&x;</text>'), end: 'corrupt_image' },
  { name: 'use, exponential', bytes: svg(tower(9, 10, use, group) + use('f0')), end: limitExceeded },
  {
    name: 'use, exponential, by xlink and symbols',
    bytes: svg(
      tower(
        30,
        2,
        (id) => `<use xlink:href="#${id}"/>`,
        (id, body) => `<symbol id="${id}">${body}</symbol>`,
      ) + use('f0'),
    ),
    end: limitExceeded,
  },
  { name: 'use of itself', bytes: svg('<g id="a"><use href="#a"/></g>'), end: 'corrupt_image' },
  {
    name: 'use in a circle',
    bytes: svg(`${group('a', use('b'))}${group('b', use('c'))}${group('c', use('a'))}`),
    end: 'corrupt_image',
  },
  {
    name: 'use, one after the other',
    bytes: svg(tower(5000, 1, use, group) + use('f0')),
    end: limitExceeded,
  },
  {
    name: 'patterns, exponential',
    bytes: svg(tower(9, 10, filled, pattern) + filled('f0')),
    end: limitExceeded,
  },
  { name: 'masks, exponential', bytes: svg(tower(9, 10, masked, mask) + masked('f0')), end: limitExceeded },
  {
    name: 'markers, exponential',
    bytes: svg(tower(9, 3, marked, marker) + marked('f0')),
    end: limitExceeded,
  },
  {
    name: 'patterns, exponential, by style sheet',
    bytes: svg(
      `<style>${Array.from({ length: 9 }, (_, i) => `#f${i} rect { fill: url("#f${i + 1}") }`).join('')}</style>` +
        tower(9, 10, () => `<rect ${box}/>`, pattern) +
        filled('f0'),
    ),
    end: limitExceeded,
  },
  {
    name: 'a pattern of itself, by inherited paint',
    bytes: svg(`<g fill="url(#p)">${pattern('p', `<rect ${box} style="fill:url(#p)"/>`)}<rect ${box}/></g>`),
    end: 'corrupt_image',
  },
  {
    name: 'markers on a long path',
    bytes: svg(
      `${marker('m', `<rect ${box}/>`)}<path marker-mid="url(#m)" d="M0 0${'L1 1'.repeat(50_000)}"/>`,
    ),
    end: limitExceeded,
  },
  {
    name: 'many filters',
    bytes: filters('<feGaussianBlur stdDeviation="9"/>', 900, 2000),
    end: limitExceeded,
    isCheapWhenSmall: true,
  },
  {
    name: 'a filter over a huge window',
    bytes: filters('<feMorphology operator="dilate" radius="1e6"/>', 1, 9999),
    end: limitExceeded,
    isCheapWhenSmall: true,
  },
  {
    name: 'a filter with a huge region',
    bytes: svg(
      '<filter id="f" filterUnits="userSpaceOnUse" x="-1e9" y="-1e9" width="2e9" height="2e9"><feFlood/></filter>' +
        `<rect ${box} filter="url(#f)"/>`,
    ),
    end: 'image',
  },
  {
    name: 'filters as functions',
    bytes: svg(`<rect width="100%" height="100%" style="filter:${'blur(9px) '.repeat(5000)}"/>`, 1000),
    end: limitExceeded,
    isCheapWhenSmall: true,
  },
  {
    name: '300,000 filters',
    bytes: svg(`<rect ${box} style="filter:${'blur(9px) '.repeat(5000)}"/>`.repeat(60), 1000),
    end: limitExceeded,
  },
  {
    name: 'a filter that keeps much',
    bytes: svg(
      `<filter id="f">${Array.from({ length: 150 }, (_, i) => `<feFlood result="r${i}"/>`).join('')}</filter>` +
        '<rect width="100%" height="100%" filter="url(#f)"/>',
      1500,
    ),
    end: limitExceeded,
    isCheapWhenSmall: true,
  },
  {
    name: 'layers in layers',
    bytes: svg(`${'<g opacity=".5">'.repeat(110)}<rect ${box}/>${'</g>'.repeat(110)}`, 9000),
    end: limitExceeded,
    isCheapWhenSmall: true,
  },
  {
    name: 'a huge pattern',
    bytes: svg(`${pattern('p', `<rect ${box}/>`).replaceAll('"10"', '"1e9"')}<rect ${box} fill="url(#p)"/>`),
    end: 'corrupt_image',
  },
  {
    name: 'a tiny pattern',
    bytes: svg(`${pattern('p', `<rect ${box}/>`).replaceAll('"10"', '"1e-9"')}<rect ${box} fill="url(#p)"/>`),
    end: 'image',
  },
  {
    name: 'tiny dashes on a long way',
    bytes: svg('<path d="M-1e7 0L1e7 9" stroke="red" stroke-dasharray="1e-6"/>'),
    end: limitExceeded,
  },
  { name: 'deep', bytes: svg('<g>'.repeat(50_000) + '</g>'.repeat(50_000)), end: limitExceeded },
  {
    name: 'deep in what is left out',
    bytes: svg(`<x>${'<g>'.repeat(500)}${'</g>'.repeat(500)}</x>`),
    end: limitExceeded,
  },
  { name: 'many elements', bytes: svg('<g/>'.repeat(200_000)), end: limitExceeded },
  {
    name: 'many attributes',
    bytes: svg(`<g ${Array.from({ length: 50_000 }, (_, i) => `a${i}=""`).join(' ')}/>`),
    end: limitExceeded,
  },
  { name: 'a long text', bytes: svg(`<text>${'word '.repeat(200_000)}</text>`), end: limitExceeded },
  {
    name: 'letters larger than any',
    bytes: svg(
      '<text font-size="1e6">Hello</text><style>text{font-size:1000000%}</style>' +
        `${'<g font-size="200%">'.repeat(100)}<text style="font:99999px serif">Hello ab</text>${'</g>'.repeat(100)}`,
    ),
    end: 'image',
  },
  { name: 'many rules', bytes: svg(`<style>${'a{fill:red}'.repeat(10_000)}</style>`), end: limitExceeded },
  {
    name: 'many rules for many elements',
    bytes: svg(`<style>${'g g g g{fill:red}'.repeat(4000)}</style>${'<g/>'.repeat(20_000)}`),
    end: limitExceeded,
  },
  { name: 'gigantic', bytes: svg('', '1e9'), end: 'too_many_pixels' },
  { name: 'gigantic in inches', bytes: svg('', '99999in'), end: 'too_many_pixels' },
  {
    name: 'gigantic by its proportions',
    bytes: new TextEncoder().encode(`<svg ${space} width="90" viewBox="0 0 1 1e12"/>`),
    end: 'too_many_pixels',
  },
  {
    name: 'a picture in it that promises too much',
    bytes: svg(
      `<image ${box} href="data:image/png;base64,${Buffer.from(hugeHeaders['png'] ?? []).toString('base64')}"/>`,
    ),
    end: 'too_many_pixels',
  },
  {
    name: 'many pictures in it',
    bytes: svg('<image href="data:image/png;base64,AAAA"/>'.repeat(2000)),
    end: limitExceeded,
  },
  { name: 'packed', bytes: gzipSync(svg('<rect/>')), end: 'unsupported_format' },
  { name: 'longer than is read', bytes: svg(`<!--${' '.repeat(9 * 2 ** 20)}-->`), end: 'image_too_large' },
]

/** What tries to get somewhere or to do something; all of it draws one red square of 10 × 10 in a white one of 100. */
export function svgExternalReferences(port: number): readonly SvgAttack[] {
  const web = `http://127.0.0.1:${port}`
  const file = 'file:///etc/passwd'
  const nested = `data:image/svg+xml;base64,${Buffer.from(svg(`<image href="${web}/n"/>`)).toString('base64')}`
  const bad: Readonly<Record<string, string>> = {
    'a script': `<script>fetch("${web}/s")</script><script href="${web}/s.js"/>`,
    events: `<g onload="fetch('${web}/e')" onclick="alert(1)"/>`,
    'foreign content': `<foreignObject ${box}><iframe xmlns="http://www.w3.org/1999/xhtml" src="${web}/f"/></foreignObject>`,
    'animation that changes an address': `<image ${box}><set attributeName="href" to="${web}/a"/></image>`,
    'pictures from the web': `<image ${box} href="${web}/i"/><image ${box} xlink:href="${web}/x"/>`,
    'pictures from files': `<image ${box} href="${file}"/><image ${box} href="/etc/passwd"/><image ${box} xlink:href="../../etc/passwd"/>`,
    'use of other files': `<use href="${web}/u.svg#a"/><use xlink:href="${file}#a"/>`,
    'filters with pictures': `<filter id="f"><feImage href="${web}/fe"/></filter><rect ${box} fill="none" filter="url(#f)"/>`,
    'filters from elsewhere': `<rect ${box} fill="none" filter="url(${web}/f.svg#f)" mask="url('${file}#m')"/>`,
    'paint from elsewhere': `<g fill="url(${web}/p.svg#p)"><rect ${box} fill="none"/></g>`,
    'paint that hides': `<g fill="u\\72l(${web}/p)" style="mask:ur/**/l(${web}/q);filter:src('${web}/z')"><rect ${box} fill="none"/></g>`,
    'imported rules': `<style>@import url("${web}/c.css"); @import '${web}/d.css'; @font-face { font-family: x; src: url(${web}/font) }</style>`,
    'rules that hide': `<style>@im\\70ort "${web}/h"; g::after { content: url(${web}/k) } @media all { @import "${web}/m"; }</style>`,
    'rules in unclosed strings': `<style>a{fill:"}b[x="url(${web}/v)"]{fill:red}</style>`,
    'a drawing in the drawing': `<image ${box} href="${nested}"/>`,
    'a page as a picture': `<image ${box} href="data:text/html,&lt;script>1&lt;/script>"/>`,
    'another base': `<g xml:base="${web}/base/"><image ${box} href="i.png"/><use href="u.svg#a"/></g>`,
    inclusion: `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${file}" parse="text"/>`,
    links: `<a href="javascript:alert(1)" xlink:href="${web}/a"><g/></a>`,
    'other elements of other names': `<h:script xmlns:h="http://www.w3.org/1999/xhtml" src="${web}/h"/><evil><image href="${web}/ev"/></evil>`,
  }
  const prologs: Readonly<Record<string, string>> = {
    'a style sheet by instruction': `<?xml-stylesheet href="${web}/x.css"?><?xml-stylesheet type="text/xsl" href="${web}/x.xsl"?>`,
    'a DOCTYPE on the web': `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "${web}/svg11.dtd">`,
    'a DOCTYPE in a file': `<!DOCTYPE svg SYSTEM "${file}">`,
  }
  const shown = `<rect width="100" height="100" fill="#fff"/><rect ${box} fill="#f00"/>`
  return [
    ...Object.entries(bad).map(([name, body]): SvgAttack => ({
      name,
      bytes: svg(shown + body),
      end: 'image',
    })),
    ...Object.entries(prologs).map(([name, prolog]): SvgAttack => ({
      name,
      bytes: svg(shown, 100, prolog),
      end: 'image',
    })),
    {
      name: 'an entity from a file',
      bytes: svg(`${shown}<text>&x;</text>`, 100, `<!DOCTYPE svg [<!ENTITY x SYSTEM "${file}">]>`),
      end: 'unsupported_format',
    },
    {
      name: 'an entity from the web',
      bytes: svg(`${shown}<text>&x;</text>`, 100, `<!DOCTYPE svg [<!ENTITY x SYSTEM "${web}/ent">]>`),
      end: 'unsupported_format',
    },
  ]
}
