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
