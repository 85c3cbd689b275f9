/** Style sheets are bundled with the script that imports them and export nothing. */
declare module '*.css'
