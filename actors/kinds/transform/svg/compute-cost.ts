import type { Fault } from '@pixelflow/core/fault'
import { elements } from './allow-list.ts'
import { corruptSvg, svgLimits, svgLimitExceeded } from './svg-limits.ts'
import { computeSelectorCost } from './compute-selector-cost.ts'
import type { Outline } from './outline.ts'
import { selectorOf, type SelectorNode } from './selector.ts'
import type { OutlineCost } from './strokes.ts'
import type { Declaration, Rule } from './style.ts'
import type { StatedSize } from './use-size.ts'

/** What is remembered of an element, to know what drawing it comes to. */
export interface SvgNode extends SelectorNode {
  readonly parent?: SvgNode
  readonly children: SvgNode[]
  /** Ids that it refers to, by property or `href`, and whether it surely does: of rules all that may apply do. */
  refers?: Map<string, Map<string, boolean>>
  /** Inherited properties that it surely has of its own, one bit each: every other element has some. */
  has: number
  /** How often all pixels are gone over for it alone. */
  layers: number
  /** How many times larger its letters are than they would be without what it and those around say of it. */
  growth: number
  /** Its coordinates, if it is drawn along some. */
  readonly path?: string
  /** The line along which it is drawn, if it is a shape. */
  readonly outline?: Outline
  /** Of a nested `svg`. */
  readonly stated?: StatedSize
  /** How many times larger than it states it is drawn, by what it and those around say. */
  readonly scale: number
  /** While what it comes to is being counted, and once it is. */
  weight?: TotalCost | 'counting'
}

/** What drawing comes to. */
export interface TotalCost {
  /** Elements, those that are referred to each time they are. */
  readonly drawn: number
  /** The longest way down. */
  readonly depth: number
  /** How often all pixels are gone over. */
  readonly layers: number
  /** How many pictures as large as the whole are held at once. */
  readonly canvases: number
  /** What drawing lines takes, for each row of pixels and whatever the size. */
  readonly perRow: number
  readonly fixed: number
}

/** Properties that pass to what is within: paint, and what stands at corners. */
const inherited: readonly string[] = ['fill', 'stroke', 'marker-start', 'marker-mid', 'marker-end']

/**
 * Follows every reference from the root and counts. Style sheets are reckoned with, so that nothing can be hidden in
 * them; whatever `use` passes on to what it shows is not, and has its bound in the renderer's own count.
 * @throws Fault `corrupt_image` when something refers to itself, `resource_limit_exceeded` when it comes to too much.
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
  // Most drawings have no paint that is more than a colour.
  const isPaintShared = parts.some(({ refers }) => inherited.some((property) => refers?.has(property)))

  const weightOf = (part: SvgNode, level: number): TotalCost => {
    if (level > svgLimits.drawnDepth) throw tooDeep()
    if (typeof part.weight === 'object') {
      if (level + part.weight.depth > svgLimits.drawnDepth) throw tooDeep()
      return part.weight
    }
    part.weight = 'counting'
    const lines = part.outline === undefined ? noLines : costOf(part.outline)
    const sum = { drawn: 1, depth: 1, layers: part.layers, canvases: 0, ...lines }
    const add = (other: SvgNode, times: number) => {
      const weight = weightOf(other, level + 1)
      sum.drawn += weight.drawn * times
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
    if (sum.drawn > svgLimits.drawn)
      throw svgLimitExceeded(`draws more than ${svgLimits.drawn} elements once every reference is followed`)
    part.weight = sum
    return sum
  }
  return weightOf(root, 0)
}

const noLines: OutlineCost = { perRow: 0, fixed: 0 }

/** A layer lies on what is below it; a filter keeps what each of its steps has made until it is done. */
function canvasesOf(part: SvgNode, within: number): number {
  if (part.tag === 'filter') return filterCanvases + part.children.length
  return within + (part.layers > 0 ? 0.3 : 0)
}

/** What a filter holds by itself, measured with one of a single step. */
const filterCanvases = 7

function tooDeep(): Fault {
  return svgLimitExceeded(`has references more than ${svgLimits.drawnDepth} levels deep`)
}

/** Remembers what a part refers to. */
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

/** 0 when it is not inherited. */
function bitOf(property: string): number {
  const at = inherited.indexOf(property)
  return at < 0 ? 0 : 1 << at
}

/** Markers, one for each corner at most; looking for the corners takes time that grows with their square. */
function cornersOf({ path = '' }: SvgNode): number {
  const corners = path.match(/\d+/g)?.length ?? 1
  return corners + corners ** 2 / 600
}

/** What a property of an element means, wherever it stands. */
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

/** The same of one that is set on the element itself, so that what is around does not count. */
export function applyOwnDeclaration(part: SvgNode, found: Declaration): void {
  applyDeclaration(part, found, true)
  if (!(found.property === 'marker' || isInherited(found.property)) || passesOn.test(found.value)) return
  for (const name of longNames(found.property)) part.has |= bitOf(name)
}

/** Values that stand for what is around. */
const passesOn = /inherit|unset|revert|context/i

const markers: readonly string[] = inherited.slice(2)

function longNames(property: string): readonly string[] {
  return property === 'marker' ? markers : [property]
}

/** What needs a layer of its own, which costs far less than a filter. */
const layered: ReadonlySet<string> = new Set(['opacity', 'mask', 'mix-blend-mode', 'isolation'])

function applyRules(parts: readonly SvgNode[], rules: readonly Rule[]): void {
  if (computeSelectorCost(rules, parts) > svgLimits.ruleLooks)
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
