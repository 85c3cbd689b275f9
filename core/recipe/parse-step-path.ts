/** The place that a field of a recipe names, such as `outputs.thumb.steps[0].width`. */
export interface StepPath {
  /** Name of the output; null for a step of the recipe itself. */
  readonly output: string | null
  readonly index: number
  /** Path of the parameter within the step; undefined when the field names the whole step. */
  readonly parameter: string | undefined
}

/** Parses the path of a step or of its parameter, with or without `recipe.` before it; undefined for other fields. */
export function parseStepPath(field: string): StepPath | undefined {
  const found = /^(?:recipe\.)?(?:outputs[.[]"?([a-z0-9_-]+)"?\]?\.)?steps\[(\d+)\](?:\.(.+))?$/.exec(field)
  if (found === null) return undefined
  const [, output = null, index, parameter] = found
  return { output, index: Number(index), parameter }
}
