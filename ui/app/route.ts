/** The task in the URL's fragment (`#task=…`): a reload, or the same URL in another tab, opens the same task. */
export interface Route {
  taskId(): string | null
  show(id: string | null): void
  /** Calls back when the fragment changes by history navigation or by editing the URL. */
  onChange(listener: () => void): void
}

export function createRoute(page: Window): Route {
  const taskId = () => new URLSearchParams(page.location.hash.slice(1)).get('task')
  return {
    taskId,
    show(id) {
      if (id === taskId()) return
      const { pathname, search } = page.location
      page.history.pushState(null, '', `${pathname}${search}${id === null ? '' : `#task=${id}`}`)
    },
    onChange(listener) {
      page.addEventListener('popstate', listener)
      page.addEventListener('hashchange', listener)
    },
  }
}
