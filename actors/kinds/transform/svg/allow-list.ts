/** What of SVG is taken; everything else is left out, elements with all that is in them. */

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

const filterPrimitives = words(`
  feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
  feDropShadow feFlood feGaussianBlur feImage feMerge feMorphology feOffset feSpecularLighting feTile feTurbulence
`)
const shapes = words('path rect circle ellipse line polyline polygon text tspan textPath image')

/** Shown only where something refers to them. */
const neverRendered = words('defs symbol pattern mask clipPath marker filter linearGradient radialGradient')

export const elements = {
  all: words(`
    svg g defs symbol use switch a style
    ${[...shapes].join(' ')}
    linearGradient radialGradient stop pattern mask clipPath marker filter
    ${[...filterPrimitives].join(' ')}
    feFuncR feFuncG feFuncB feFuncA feMergeNode feDistantLight fePointLight feSpotLight
  `),
  filterPrimitives,
  shapes,
  neverRendered,
  /** Whose text is shown. */
  textContent: words('text tspan textPath'),
}

/** Whose `href` may lead to something in the same file. */
export const links = words('use linearGradient radialGradient pattern textPath feImage')
/** Whose `href` may hold a picture. */
export const pictures = words('image feImage')

/** Properties that may stand in an attribute, in `style` and in style sheets: how things look, not what they load. */
export const properties = words(`
  alignment-baseline baseline-shift clip-path clip-rule color color-interpolation color-interpolation-filters direction
  display dominant-baseline fill fill-opacity fill-rule filter flood-color flood-opacity font font-family font-size
  font-stretch font-style font-variant font-weight glyph-orientation-vertical image-rendering isolation letter-spacing
  lighting-color line-height marker marker-end marker-mid marker-start mask mask-type mix-blend-mode opacity overflow
  paint-order shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap
  stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration text-orientation
  text-rendering transform transform-origin unicode-bidi vector-effect visibility white-space word-spacing writing-mode
`)

/** Attributes that are plain data: numbers, lists of them, names. None of them is ever taken for an address. */
export const data = words(`
  amplitude azimuth baseFrequency bias clipPathUnits cx cy d diffuseConstant divisor dx dy edgeMode elevation exponent
  filterUnits fr fx fy gradientTransform gradientUnits height in in2 intercept k1 k2 k3 k4 kernelMatrix kernelUnitLength
  lang lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits maskUnits method mode
  numOctaves offset operator order orient pathLength patternContentUnits patternTransform patternUnits points pointsAtX
  pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits r radius refX refY requiredExtensions
  requiredFeatures result rotate rx ry scale seed side slope spacing specularConstant specularExponent spreadMethod
  startOffset stdDeviation stitchTiles surfaceScale systemLanguage tableValues targetX targetY textLength type values
  viewBox width x x1 x2 xChannelSelector y y1 y2 yChannelSelector z
`)

/** Those that may be as long as the file. */
export const coordinates = words('d points')

/** Functions in values; one that loads, computes or asks makes the whole value void. */
export const functions = words(`
  rgb rgba hsl hsla hwb lab lch oklab oklch color
  matrix translate translatex translatey scale scalex scaley rotate skew skewx skewy
  blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia
`)
