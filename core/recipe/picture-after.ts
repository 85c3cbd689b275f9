import { Fault } from '../fault.ts'
import { pictureAfter as afterStep, type Picture } from '../operations/operation.ts'
import type { PlannedStep } from './plan.ts'

/** @throws Fault `processing_failed` that names the step when it cannot be done to this picture. */
export function pictureAfter(picture: Picture, planned: PlannedStep): Picture {
  return inStep(planned.field, planned.where, () => afterStep(planned, picture))
}

/** What is left of a picture once sharp has read it: 8 bits a channel. */
export function asDecoded({ width, height, alpha }: Picture): Picture {
  return { width, height, alpha }
}

/** Makes a parameter's fault one of the recipe: says which step it is about. */
export function inStep<T>(field: string, where: string, act: () => T): T {
  try {
    return act()
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const { code, detail, field: parameter, ...hints } = thrown.report()
    const whole = [field, parameter].filter((part) => part !== undefined && part !== '').join('.')
    throw new Fault(code, `In ${where}: ${detail}`, { ...hints, ...(whole === '' ? {} : { field: whole }) })
  }
}
