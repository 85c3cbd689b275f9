import { gzipSync } from 'node:zlib'
import type { FaultCode } from '@pixelflow/core/fault'
import { hugeHeaders } from './headers.ts'

/** A generated hostile drawing and its expected result. */
export interface SvgAttack {
  readonly name: string
  readonly bytes: Uint8Array
  /** The expected fault; `image` when the harmful part is dropped and the rest is rendered. */
  readonly end: FaultCode | 'image'
  /** Whether it is rendered when a recipe makes it as small as an icon. */
  readonly isCheapWhenSmall?: boolean
}

const space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'

/** A square drawing whose side has `size` user units and pixels. */
export function svg(body: string, size: number | string = 100, prolog = ''): Uint8Array {
  return new TextEncoder().encode(`${prolog}<svg ${space} width="${size}" height="${size}">${body}</svg>`)
}

/** Elements, each of which refers to the next one several times. */
function nestReferences(
  levels: number,
  times: number,
  refer: (id: string) => string,
  wrap: (id: string, body: string) => string,
) {
  const nested = Array.from({ length: levels }, (_, i) => wrap(`f${i}`, refer(`f${i + 1}`).repeat(times)))
  return `<defs>${nested.join('')}${wrap(`f${levels}`, '<rect width="9" height="9"/>')}</defs>`
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
  { name: 'use, exponential', bytes: svg(nestReferences(9, 10, use, group) + use('f0')), end: limitExceeded },
  {
    name: 'use, exponential, by xlink and symbols',
    bytes: svg(
      nestReferences(
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
    bytes: svg(nestReferences(5000, 1, use, group) + use('f0')),
    end: limitExceeded,
  },
  {
    name: 'patterns, exponential',
    bytes: svg(nestReferences(9, 10, filled, pattern) + filled('f0')),
    end: limitExceeded,
  },
  {
    name: 'masks, exponential',
    bytes: svg(nestReferences(9, 10, masked, mask) + masked('f0')),
    end: limitExceeded,
  },
  {
    name: 'markers, exponential',
    bytes: svg(nestReferences(9, 3, marked, marker) + marked('f0')),
    end: limitExceeded,
  },
  {
    name: 'patterns, exponential, by style sheet',
    bytes: svg(
      `<style>${Array.from({ length: 9 }, (_, i) => `#f${i} rect { fill: url("#f${i + 1}") }`).join('')}</style>` +
        nestReferences(9, 10, () => `<rect ${box}/>`, pattern) +
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
    name: 'a filter with many stored results',
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
    name: 'tiny dashes on a long line',
    bytes: svg('<path d="M-1e7 0L1e7 9" stroke="red" stroke-dasharray="1e-6"/>'),
    end: limitExceeded,
  },
  { name: 'deep nesting', bytes: svg('<g>'.repeat(50_000) + '</g>'.repeat(50_000)), end: limitExceeded },
  {
    name: 'deep nesting in a dropped element',
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
    name: 'extremely large letters',
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
    name: 'an embedded image with a huge header',
    bytes: svg(
      `<image ${box} href="data:image/png;base64,${Buffer.from(hugeHeaders['png'] ?? []).toString('base64')}"/>`,
    ),
    end: 'too_many_pixels',
  },
  {
    name: 'many embedded images',
    bytes: svg('<image href="data:image/png;base64,AAAA"/>'.repeat(2000)),
    end: limitExceeded,
  },
  { name: 'compressed', bytes: gzipSync(svg('<rect/>')), end: 'unsupported_format' },
  { name: 'longer than the limit', bytes: svg(`<!--${' '.repeat(9 * 2 ** 20)}-->`), end: 'image_too_large' },
]

/**
 * Drawings that try to load something or to run code. Each renders a red square of 10 × 10 pixels in a white square of 100.
 */
export function svgExternalReferences(port: number): readonly SvgAttack[] {
  const web = `http://127.0.0.1:${port}`
  const file = 'file:///etc/passwd'
  const nested = `data:image/svg+xml;base64,${Buffer.from(svg(`<image href="${web}/n"/>`)).toString('base64')}`
  const bodies: Readonly<Record<string, string>> = {
    'a script': `<script>fetch("${web}/s")</script><script href="${web}/s.js"/>`,
    events: `<g onload="fetch('${web}/e')" onclick="alert(1)"/>`,
    'foreign content': `<foreignObject ${box}><iframe xmlns="http://www.w3.org/1999/xhtml" src="${web}/f"/></foreignObject>`,
    'animation that changes a URL': `<image ${box}><set attributeName="href" to="${web}/a"/></image>`,
    'images from the web': `<image ${box} href="${web}/i"/><image ${box} xlink:href="${web}/x"/>`,
    'images from files': `<image ${box} href="${file}"/><image ${box} href="/etc/passwd"/><image ${box} xlink:href="../../etc/passwd"/>`,
    'use of other files': `<use href="${web}/u.svg#a"/><use xlink:href="${file}#a"/>`,
    'filters with images': `<filter id="f"><feImage href="${web}/fe"/></filter><rect ${box} fill="none" filter="url(#f)"/>`,
    'external filters': `<rect ${box} fill="none" filter="url(${web}/f.svg#f)" mask="url('${file}#m')"/>`,
    'external paint': `<g fill="url(${web}/p.svg#p)"><rect ${box} fill="none"/></g>`,
    'obfuscated paint': `<g fill="u\\72l(${web}/p)" style="mask:ur/**/l(${web}/q);filter:src('${web}/z')"><rect ${box} fill="none"/></g>`,
    'imported style sheets': `<style>@import url("${web}/c.css"); @import '${web}/d.css'; @font-face { font-family: x; src: url(${web}/font) }</style>`,
    'obfuscated imports': `<style>@im\\70ort "${web}/h"; g::after { content: url(${web}/k) } @media all { @import "${web}/m"; }</style>`,
    'rules in unclosed strings': `<style>a{fill:"}b[x="url(${web}/v)"]{fill:red}</style>`,
    'an embedded drawing': `<image ${box} href="${nested}"/>`,
    'a page as an image': `<image ${box} href="data:text/html,&lt;script>1&lt;/script>"/>`,
    'another base URL': `<g xml:base="${web}/base/"><image ${box} href="i.png"/><use href="u.svg#a"/></g>`,
    inclusion: `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${file}" parse="text"/>`,
    links: `<a href="javascript:alert(1)" xlink:href="${web}/a"><g/></a>`,
    'foreign elements': `<h:script xmlns:h="http://www.w3.org/1999/xhtml" src="${web}/h"/><evil><image href="${web}/ev"/></evil>`,
  }
  const prologs: Readonly<Record<string, string>> = {
    'a style sheet in a processing instruction': `<?xml-stylesheet href="${web}/x.css"?><?xml-stylesheet type="text/xsl" href="${web}/x.xsl"?>`,
    'a DOCTYPE on the web': `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "${web}/svg11.dtd">`,
    'a DOCTYPE in a file': `<!DOCTYPE svg SYSTEM "${file}">`,
  }
  const visible = `<rect width="100" height="100" fill="#fff"/><rect ${box} fill="#f00"/>`
  return [
    ...Object.entries(bodies).map(([name, body]): SvgAttack => ({
      name,
      bytes: svg(visible + body),
      end: 'image',
    })),
    ...Object.entries(prologs).map(([name, prolog]): SvgAttack => ({
      name,
      bytes: svg(visible, 100, prolog),
      end: 'image',
    })),
    {
      name: 'an entity from a file',
      bytes: svg(`${visible}<text>&x;</text>`, 100, `<!DOCTYPE svg [<!ENTITY x SYSTEM "${file}">]>`),
      end: 'unsupported_format',
    },
    {
      name: 'an entity from the web',
      bytes: svg(`${visible}<text>&x;</text>`, 100, `<!DOCTYPE svg [<!ENTITY x SYSTEM "${web}/ent">]>`),
      end: 'unsupported_format',
    },
  ]
}
