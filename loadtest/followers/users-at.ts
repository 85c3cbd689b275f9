import type { Stage } from '../profiles.ts'

/** The number of users after `seconds`, which changes linearly within a stage; undefined after the last stage. */
export function usersAt(stages: readonly Stage[], seconds: number): number | undefined {
  let startS = 0
  let before = 0
  for (const stage of stages) {
    if (seconds < startS + stage.seconds) {
      return Math.round(before + ((stage.users - before) * (seconds - startS)) / stage.seconds)
    }
    startS += stage.seconds
    before = stage.users
  }
  return undefined
}
