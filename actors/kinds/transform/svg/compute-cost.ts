import type { Fault } from '@pixelflow/core/fault'
import { allowList } from './allow-list.ts'
import { corruptSvg, svgLimits, svgLimitExceeded } from './svg-limits.ts'
import { computeSelectorCost } from './compute-selector-cost.ts'
import type { Outline } from './outline.ts'
import { selectorOf, type SelectorNode } from './selector.ts'
import type { OutlineCost } from './strokes.ts'
import type { Declaration, Rule } from './parse-declarations.ts'
import type { StatedSize } from './size-of-use.ts'

const { elements } = allowList

/** The properties of an element that determine its rendering cost. */
export interface SvgNode extends SelectorNode {
  readonly parent?: SvgNode
  readonly children: SvgNode[]
  /**
   * Referenced ids by property or `href`, and whether the reference is certain: style rules that may match count as
   * uncertain.
   */
  refers?: Map<string, Map<string, boolean>>
  /** Inherited properties that the element sets for certain, one bit each. Other elements inherit them. */
  has: number
  /** Number of full-image passes of this element alone. */
  layers: number
  /** Factor of the font size over the initial size, by the element and its ancestors. */
  growth: number
  /** The `d` or `points` attribute. */
  readonly path?: string
  /** The outline of a shape. */
  readonly outline?: Outline
  /** Size attributes of a nested `svg`. */
  readonly stated?: StatedSize
  /** Scale factor of the transforms of the element and its ancestors. */
  readonly scale: number
  /** The cost, once computed. */
  weight?: TotalCost | 'counting'
}

/** Rendering cost of an element with everything that it contains and references. */
export interface TotalCost {
  /** Rendered elements; a referenced element counts each time. */
  readonly renderedElements: number
  /** Depth of nesting and references. */
  readonly depth: number
  /** Number of full-image passes. */
  readonly layers: number
  /** Number of full-size buffers held at once. */
  readonly canvases: number
  /** Steps of line rendering, for each row of pixels and independent of the size. */
  readonly perRow: number
  readonly fixed: number
}

/** Inherited properties that can hold references: paint and markers. */
const inherited: readonly string[] = ['fill', 'stroke', 'marker-start', 'marker-mid', 'marker-end']

/**
 * Resolves every reference from the root and adds up the cost. Style sheets are applied, so that they hide nothing.
 * Properties that `use` passes to its target are not, but the renderer limits those itself.
 * @throws Fault `corrupt_image` when an element refers to itself, `resource_limit_exceeded` when the cost is too high.
 */
export function computeCost(
  root: SvgNode,
  parts: readonly SvgNode[],
  rules: readonly Rule[],
  costOf: (outline: Outline) => OutlineCost,
): TotalCost {
  applyRules(parts, rules)
  const byId = new Map<string, SvgNode>()
  for (const part of parts) if (part.id !== undefined && !byId.has(part.id)) byId.set(part.id, part)
  // Most drawings use plain colours only.
  const isPaintShared = parts.some(({ refers }) => inherited.some((property) => refers?.has(property)))

  const weightOf = (part: SvgNode, level: number): TotalCost => {
    if (level > svgLimits.drawnDepth) throw tooDeep()
    if (typeof part.weight === 'object') {
      if (level + part.weight.depth > svgLimits.drawnDepth) throw tooDeep()
      return part.weight
    }
    part.weight = 'counting'
    const lines = part.outline === undefined ? noLines : costOf(part.outline)
    const sum = { renderedElements: 1, depth: 1, layers: part.layers, canvases: 0, ...lines }
    const add = (other: SvgNode, times: number) => {
      const weight = weightOf(other, level + 1)
      sum.renderedElements += weight.renderedElements * times
      sum.layers += weight.layers * times
      sum.perRow += weight.perRow * times
      sum.fixed += weight.fixed * times
      sum.depth = Math.max(sum.depth, weight.depth + 1)
      sum.canvases = Math.max(sum.canvases, weight.canvases)
    }
    for (const child of part.children) if (!elements.neverRendered.has(child.tag)) add(child, 1)
    for (const { id, property, isOwn } of referencesOf(part, isPaintShared)) {
      const target = byId.get(id)
      if (target === undefined) continue
      if (target.weight !== 'counting') add(target, property.startsWith('marker') ? cornersOf(part) : 1)
      else if (isOwn) throw corruptSvg(`has an element that refers to itself through #${id.slice(0, 40)}`)
    }
    sum.canvases = canvasesOf(part, sum.canvases)
    if (sum.renderedElements > svgLimits.renderedElements)
      throw svgLimitExceeded(
        `draws more than ${svgLimits.renderedElements} elements once every reference is followed`,
      )
    part.weight = sum
    return sum
  }
  return weightOf(root, 0)
}

const noLines: OutlineCost = { perRow: 0, fixed: 0 }

/** A layer is drawn over the content below it. A filter keeps the result of each primitive until it is done. */
function canvasesOf(part: SvgNode, within: number): number {
  if (part.tag === 'filter') return filterCanvases + part.children.length
  return within + (part.layers > 0 ? 0.3 : 0)
}

/** Buffers of a filter, measured with one primitive. */
const filterCanvases = 7

function tooDeep(): Fault {
  return svgLimitExceeded(`has references more than ${svgLimits.drawnDepth} levels deep`)
}

/** Adds a reference of an element. */
export function addReference(part: SvgNode, property: string, id: string, isSure = true): void {
  part.refers ??= new Map()
  const known = part.refers.get(property)
  if (known === undefined) part.refers.set(property, new Map([[id, isSure]]))
  else known.set(id, isSure || known.get(id) === true)
}

interface Reference {
  readonly property: string
  readonly id: string
  readonly isOwn: boolean
}

function referencesOf(part: SvgNode, isPaintShared: boolean): readonly Reference[] {
  const isShape = elements.shapes.has(part.tag)
  if (part.refers === undefined && !(isShape && isPaintShared)) return nothing
  const found: Reference[] = []
  for (const [property, ids] of part.refers ?? []) {
    if (!isShape && isInherited(property)) continue
    for (const [id, isOwn] of ids) found.push({ property, id, isOwn })
  }
  for (const property of isShape && isPaintShared ? inherited : []) {
    for (let at = part; (at.has & bitOf(property)) === 0 && at.parent !== undefined; at = at.parent) {
      for (const id of at.parent.refers?.get(property)?.keys() ?? [])
        found.push({ property, id, isOwn: false })
    }
  }
  return found
}

const nothing: readonly Reference[] = []

function isInherited(property: string): boolean {
  return bitOf(property) !== 0
}

/** 0 when the property is not inherited. */
function bitOf(property: string): number {
  const at = inherited.indexOf(property)
  return at < 0 ? 0 : 1 << at
}

/** Number of markers, at most one per vertex. Finding the vertices takes time that grows with their square. */
function cornersOf({ path = '' }: SvgNode): number {
  const corners = path.match(/\d+/g)?.length ?? 1
  return corners + corners ** 2 / 600
}

/** Applies a declaration to an element. */
function applyDeclaration(
  part: SvgNode,
  { property, value, ids, filters }: Declaration,
  isSure: boolean,
): void {
  part.layers += filters
  for (const name of longNames(property)) for (const id of ids) addReference(part, name, id, isSure)
  if (layered.has(property) && !/^(?:none|normal|auto|1(?:\.0*)?|100%)$/.test(value.trim()))
    part.layers += 0.05
}

/** Applies a declaration of the element itself, which overrides inherited values. */
export function applyOwnDeclaration(part: SvgNode, found: Declaration): void {
  applyDeclaration(part, found, true)
  if (!(found.property === 'marker' || isInherited(found.property)) || passesOn.test(found.value)) return
  for (const name of longNames(found.property)) part.has |= bitOf(name)
}

/** Values that inherit. */
const passesOn = /inherit|unset|revert|context/i

const markers: readonly string[] = inherited.slice(2)

function longNames(property: string): readonly string[] {
  return property === 'marker' ? markers : [property]
}

/** Properties that need a layer, which costs far less than a filter. */
const layered: ReadonlySet<string> = new Set(['opacity', 'mask', 'mix-blend-mode', 'isolation'])

function applyRules(parts: readonly SvgNode[], rules: readonly Rule[]): void {
  if (computeSelectorCost(rules, parts) > svgLimits.selectorTests)
    throw svgLimitExceeded('has too many style rules for its elements')
  const weighty = rules.flatMap(({ selector, declarations }) => {
    const ones = declarations.filter(
      ({ property, value, ids, filters }) =>
        ids.length > 0 || filters > 0 || layered.has(property) || passesOn.test(value),
    )
    return ones.length === 0 ? [] : [{ ...selectorOf(selector), ones }]
  })
  for (const part of weighty.length === 0 ? [] : parts) {
    for (const { mayMatch, isExact, ones } of weighty) {
      if (!mayMatch(part)) continue
      for (const one of ones) {
        applyDeclaration(part, one, isExact)
        if (passesOn.test(one.value)) for (const name of longNames(one.property)) part.has &= ~bitOf(name)
      }
    }
  }
}
