/** What a selector can test of an element. */
export interface SelectorNode {
  readonly tag: string
  readonly id?: string
  readonly classes: readonly string[]
  readonly parent?: SelectorNode
}

export interface Selector {
  /**
   * Whether the selector may match an element. It has no false negatives, but false positives, since attribute
   * conditions, pseudo-classes and siblings count as matched.
   */
  mayMatch(element: SelectorNode): boolean
  /** Whether the selector has no such conditions. */
  readonly isExact: boolean
}

interface Compound {
  readonly tag?: string
  readonly id?: string
  readonly classes: readonly string[]
}

export function selectorOf(text: string): Selector {
  const bare = withoutConditions(text)
  const chains = bare.split(',').map((one) => compoundsOf(one.trim()))
  return {
    mayMatch: (element) => chains.some((chain) => matches(chain, element)),
    isExact: !/[>+~:[]/.test(text),
  }
}

/** Tests the compounds from the element outwards. */
function matches([last, ...outer]: readonly Compound[], element: SelectorNode): boolean {
  if (last === undefined || !fits(last, element)) return false
  let around = element.parent
  for (const compound of outer) {
    while (around !== undefined && !fits(compound, around)) around = around.parent
    if (around === undefined) return false
    around = around.parent
  }
  return true
}

function fits({ tag, id, classes }: Compound, element: SelectorNode): boolean {
  if (tag !== undefined && tag !== element.tag) return false
  if (id !== undefined && id !== element.id) return false
  return classes.every((name) => element.classes.includes(name))
}

function withoutConditions(text: string): string {
  let bare = text.replaceAll(/"[^"]*"|'[^']*'/g, '')
  for (let before = ''; before !== bare;) {
    before = bare
    bare = bare.replaceAll(/\([^()]*\)|\[[^[\]]*\]/g, '')
  }
  return bare.replaceAll(/::?[\w-]+/g, '')
}

/** Innermost first. Siblings are not tested, so the part before `+` or `~` is dropped. */
function compoundsOf(chain: string): Compound[] {
  const [inner = ''] = chain.split(/[+~]/).slice(-1)
  return inner
    .split(/[\s>]+/)
    .filter((part) => part !== '')
    .map(compoundOf)
    .reverse()
}

function compoundOf(text: string): Compound {
  const names = [...text.matchAll(/([.#]?)([^.#*|]+)/g)]
  const named = (mark: string) => names.filter(([, one]) => one === mark).map(([, , name = '']) => name)
  const [tag] = named('').slice(-1)
  const [id] = named('#').slice(-1)
  return { classes: named('.'), ...(tag === undefined ? {} : { tag }), ...(id === undefined ? {} : { id }) }
}
