// A separate classic script that runs before the first paint, so that the page never flashes the wrong theme.
const chosen = localStorage.getItem('pixelflow.theme')
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen
