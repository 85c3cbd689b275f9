import { svg, type SvgAttack } from './svg.ts'

/** A line that goes from top to bottom `times` times, at changing positions. */
const upAndDown = (times: number) =>
  `M0 0${Array.from({ length: times }, (_, i) => `L${(i * 617) % 1000} ${i % 2 ? 0 : 1000}`).join('')}`

/** Small drawings whose lines take a minute to render. */
export const svgLines: readonly SvgAttack[] = [
  {
    name: 'a path over itself',
    bytes: svg(`<path d="${upAndDown(5000)}"/>`, 1000),
    end: 'resource_limit_exceeded',
  },
  {
    name: 'a line over itself, rotated and repeated by use',
    bytes: svg(
      `<defs><path id="p" fill="none" stroke="red" d="${upAndDown(1500)}"/></defs>` +
        '<use href="#p" transform="rotate(90)"/>'.repeat(4),
      1000,
    ),
    end: 'resource_limit_exceeded',
  },
  {
    name: 'a path of 800,000 segments',
    bytes: svg(`<path d="M0 0${'h1v1'.repeat(400_000)}"/>`),
    end: 'resource_limit_exceeded',
  },
  {
    name: 'fine dashes on wide lines',
    bytes: svg(
      `<g stroke-dasharray=".2"><path fill="none" stroke="red" stroke-width="200" d="M0 0${'L1000 1000L0 0'.repeat(20)}"/></g>`,
      1000,
    ),
    end: 'resource_limit_exceeded',
  },
  {
    name: 'dashes far outside, by style sheet',
    bytes: svg('<style>path { stroke: red; stroke-dasharray: .01 }</style><path d="M0 0H1e6"/>'),
    end: 'resource_limit_exceeded',
  },
]
