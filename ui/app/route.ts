/** The task in the URL's fragment (`#task=…`): a reload, or the same URL in another tab, opens the same task. */
export interface Route {
  task(): string | null
  show(taskId: string | null): void
  /** Calls back when the fragment changes by history navigation or by editing the URL. */
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
