/** The task the address names (`#task=…`), so that a reload or a shared tab goes on watching it. */
export interface Route {
  task(): string | null
  show(taskId: string | null): void
  /** Calls back when the person goes back, forward or edits the address. */
  onChange(heard: () => void): void
}

export function createRoute(page: Window): Route {
  const task = () => new URLSearchParams(page.location.hash.slice(1)).get('task')
  return {
    task,
    show(taskId) {
      if (taskId === task()) return
      const { pathname, search } = page.location
      page.history.pushState(null, '', `${pathname}${search}${taskId === null ? '' : `#task=${taskId}`}`)
    },
    onChange(heard) {
      page.addEventListener('popstate', heard)
      page.addEventListener('hashchange', heard)
    },
  }
}
