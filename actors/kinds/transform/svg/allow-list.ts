function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

const filterPrimitives = words(`
  feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
  feDropShadow feFlood feGaussianBlur feImage feMerge feMorphology feOffset feSpecularLighting feTile feTurbulence
`)
const shapes = words('path rect circle ellipse line polyline polygon text tspan textPath image')

/** Never-rendered elements (SVG 2, 5.2): shown only where something refers to them. */
const neverRendered = words('defs symbol pattern mask clipPath marker filter linearGradient radialGradient')

const elements = {
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
  /** Text content elements. */
  textContent: words('text tspan textPath'),
}

/** Elements whose `href` may refer to an element of the same file. */
const links = words('use linearGradient radialGradient pattern textPath feImage')
/** Elements whose `href` may be a data URL of an image. */
const images = words('image feImage')

/** CSS properties, in attributes, in `style` and in style sheets. They describe appearance and load nothing. */
const properties = words(`
  alignment-baseline baseline-shift clip-path clip-rule color color-interpolation color-interpolation-filters direction
  display dominant-baseline fill fill-opacity fill-rule filter flood-color flood-opacity font font-family font-size
  font-stretch font-style font-variant font-weight glyph-orientation-vertical image-rendering isolation letter-spacing
  lighting-color line-height marker marker-end marker-mid marker-start mask mask-type mix-blend-mode opacity overflow
  paint-order shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap
  stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration text-orientation
  text-rendering transform transform-origin unicode-bidi vector-effect visibility white-space word-spacing writing-mode
`)

/** Attributes that are plain data: numbers, lists of numbers, names. Renderers never use them as URLs. */
const data = words(`
  amplitude azimuth baseFrequency bias clipPathUnits cx cy d diffuseConstant divisor dx dy edgeMode elevation exponent
  filterUnits fr fx fy gradientTransform gradientUnits height in in2 intercept k1 k2 k3 k4 kernelMatrix kernelUnitLength
  lang lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits maskUnits method mode
  numOctaves offset operator order orient pathLength patternContentUnits patternTransform patternUnits points pointsAtX
  pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits r radius refX refY requiredExtensions
  requiredFeatures result rotate rx ry scale seed side slope spacing specularConstant specularExponent spreadMethod
  startOffset stdDeviation stitchTiles surfaceScale systemLanguage tableValues targetX targetY textLength type values
  viewBox width x x1 x2 xChannelSelector y y1 y2 yChannelSelector z
`)

/** Attributes without a length limit. */
const coordinates = words('d points')

/** CSS functions. A value with any other function is dropped, since it may load or compute something. */
const functions = words(`
  rgb rgba hsl hsla hwb lab lch oklab oklch color
  matrix translate translatex translatey scale scalex scaley rotate skew skewx skewy
  blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia
`)

/** The allow list of SVG elements, attributes and CSS properties. Other elements are dropped with their content. */
export const allowList = { elements, links, images, properties, data, coordinates, functions }
