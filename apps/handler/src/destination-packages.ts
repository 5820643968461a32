/**
 * Gives the exports of a package in which a destination lives that is not of this repository. When
 * the app is built, this file is replaced by one that holds the packages that the activation files
 * name (`build.ts`): the built app has no `node_modules`.
 */
export const importPackage = (name: string): Promise<unknown> => import(name);
