import { measureBudget } from '../budget/measure-budget.ts'
import { renderBudget } from '../budget/render-budget.ts'
import type { TaskBudget } from '../budget/task-budget.ts'
import { paintSource, reduceTasks, works } from '../works/work.ts'
import type { Part } from './part.ts'

/** Measures where the cost of a small and of a large task goes: by process, and by kind of work. */
export const budgetPart: Part = async ({ options, print }) => {
  const budgets: Record<string, TaskBudget> = {}
  for (const name of ['1k', '3m'] as const) {
    const work = options.isQuick ? { ...works[name], tasks: reduceTasks(works[name].tasks) } : works[name]
    const budget = await measureBudget(work, await paintSource(work))
    budgets[name] = budget
    print(`${renderBudget(budget)}\n`)
  }
  return { budget: budgets }
}
