/** Style sheets of an entry are bundled beside it; `{% asset %}` links them. */
declare module "*.css";
