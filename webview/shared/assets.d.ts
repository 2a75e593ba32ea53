// Style sheets that the bundler collects beside a view's script.

declare module "*.css";
