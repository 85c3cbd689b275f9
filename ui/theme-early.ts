// Runs before the first paint, as a classic script of its own, so that a chosen theme does not flash the other one.
const chosen = localStorage.getItem('pixelflow.theme')
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen
