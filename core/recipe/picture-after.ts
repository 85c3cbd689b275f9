import { Fault } from '../fault.ts'
import { pictureAfter as afterStep, type Picture } from '../operations/operation.ts'
import type { PlannedStep } from './plan.ts'

/** @throws Fault `processing_failed` that names the step when it cannot be done to this picture. */
export function pictureAfter(picture: Picture, planned: PlannedStep): Picture {
  return inStep(planned.field, planned.where, () => afterStep(planned, picture))
}

/** The picture after sharp has decoded it: 8 bits a channel. */
export function asDecoded({ width, height, alpha }: Picture): Picture {
  return { width, height, alpha }
}

/** Runs `act` and adds the step to its fault: `where` to the detail, `field` to the parameter's name. */
export function inStep<T>(field: string, where: string, act: () => T): T {
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
