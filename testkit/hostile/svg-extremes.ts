import { createRandomInteger } from './damage.ts'
import { svg } from './svg.ts'

/** Unusual and extreme numbers. */
const numbers = [
  '0',
  '1',
  '-1',
  '10',
  '1e5',
  '1e6',
  '1e9',
  '-1e9',
  '1e-9',
  '1e38',
  '1e300',
  '0.5',
  '100%',
  '1000000%',
]

/** A drawing with most elements of SVG and extreme numbers in all attributes. Equal seeds give equal drawings. */
export function extremeDrawing(seed: number): Uint8Array {
  const next = createRandomInteger(seed)
  // The first random numbers of adjacent seeds are similar.
  for (let i = 0; i < 20; i++) next(2)
  const one = <T>(of: readonly T[]): T => of[next(of.length)] as T
  const number = () => one(numbers)
  const plain = () => one(numbers.filter((text) => !text.endsWith('%')))
  const some = (names: string) =>
    names
      .split(' ')
      .filter(() => next(2) === 1)
      .map((name) => `${name}="${number()}"`)
      .join(' ')
  const paint = () => one(['red', 'none', 'url(#p)', 'url(#g)', 'url(#r)'])
  const painted = () =>
    `fill="${paint()}" stroke="${paint()}" ${some('stroke-width stroke-dasharray stroke-miterlimit')}`
  const point = () => `${plain()} ${plain()}`

  const shape = () =>
    one([
      () => `<rect ${some('x y width height rx ry')} ${painted()}/>`,
      () => `<circle ${some('cx cy r pathLength')} ${painted()}/>`,
      () =>
        `<path d="M${point()}L${point()}C${point()} ${point()} ${point()}A${point()} 0 1 0 ${point()}z" marker-mid="url(#k)" ${painted()}/>`,
      () =>
        `<text ${some('x y dx rotate font-size font-weight letter-spacing word-spacing textLength')} ${painted()}>Hello ab</text>`,
      () =>
        `<g transform="${one(['scale', 'rotate', 'translate', 'skewX'])}(${plain()})"><text>a</text><rect width="9" height="9"/></g>`,
      () =>
        `<svg ${some('x y width height')} viewBox="0 0 ${point()}"><rect width="9" height="9" ${painted()}/></svg>`,
    ])()
  const primitive = () =>
    one([
      `<feGaussianBlur ${some('stdDeviation x y width height')}/>`,
      `<feMorphology operator="dilate" ${some('radius')}/>`,
      `<feTurbulence ${some('baseFrequency numOctaves seed')}/>`,
      `<feConvolveMatrix ${some('order divisor bias targetX')} kernelMatrix="1 1 1 1 1 1 1 1 1"/>`,
      `<feOffset ${some('dx dy')}/><feTile/>`,
      `<feDisplacementMap ${some('scale')} in2="SourceGraphic"/>`,
      `<feDropShadow ${some('dx dy stdDeviation')}/>`,
      `<feSpecularLighting ${some('surfaceScale specularConstant specularExponent')}><feSpotLight ${some('x y z limitingConeAngle')}/></feSpecularLighting>`,
      `<feImage href="#s" ${some('x y width height')}/>`,
    ])
  const stops = `<stop offset="${number()}"/><stop stop-color="red" offset="${number()}"/>`
  const within = one(['', 'filter="url(#f)"', 'mask="url(#m)"', 'opacity=".5"'])
  return svg(
    `<linearGradient id="g" ${some('x1 x2')} gradientTransform="scale(${plain()})">${stops}</linearGradient>` +
      `<radialGradient id="r" ${some('cx cy r fx fr')}>${stops}</radialGradient>` +
      `<pattern id="p" patternUnits="userSpaceOnUse" ${some('x width height')} patternTransform="scale(${plain()})"><text>t</text></pattern>` +
      `<marker id="k" ${some('markerWidth markerHeight refX orient')}><rect width="2" height="2"/></marker>` +
      `<filter id="f" ${some('x y width height')} filterUnits="${one(['userSpaceOnUse', 'objectBoundingBox'])}">${primitive()}${primitive()}</filter>` +
      `<mask id="m" ${some('x width height')}><rect width="99" height="99" fill="#fff"/></mask>` +
      `<g id="s"><rect width="9" height="9"/></g><g ${within}>${shape()}${shape()}</g>${shape()}`,
    one([10, 100, 300]),
  )
}
