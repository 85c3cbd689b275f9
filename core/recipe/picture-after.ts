import { Fault } from '../fault.ts'
import { pictureAfterStep, type Picture } from '../operations/operation.ts'
import type { PlannedStep } from './plan.ts'

/**
 * The picture after a step.
 * @throws Fault `processing_failed` that names the step if it is not possible for this picture.
 */
export function pictureAfter(picture: Picture, planned: PlannedStep): Picture {
  return prefixFaults(planned.field, planned.where, () => pictureAfterStep(planned, picture))
}

/** The picture after sharp has decoded it: raster pixels with 8 bits per channel. */
export function asDecoded({ width, height, alpha }: Picture): Picture {
  return { width, height, alpha }
}

/** Runs `act`. Prefixes the detail of a fault that it throws with `where`, and the field with `field`. */
export function prefixFaults<T>(field: string, where: string, act: () => T): T {
  try {
    return act()
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const { code, detail, field: parameter, ...hints } = thrown.report()
    const whole = [field, parameter].filter((part) => part !== undefined && part !== '').join('.')
    throw new Fault(code, `${where.charAt(0).toUpperCase()}${where.slice(1)}: ${detail}`, {
      ...hints,
      ...(whole === '' ? {} : { field: whole }),
    })
  }
}
