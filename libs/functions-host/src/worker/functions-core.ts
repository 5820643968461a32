/**
 * What the app's bundle gets when it requires `@azure/functions-core`, the module that the real
 * Node worker provides at run time. Source: azure-functions-nodejs-worker `src/coreApi`, and the
 * calls that @azure/functions 4.16.5 makes.
 */
import {
  functionApp,
  isHookName,
  sendLog,
  systemError,
  type FunctionCallback,
  type HookCallback,
  type LogCategory,
  type ProgrammingModel,
} from './function-app.ts';
import type { FunctionMetadata, LogLevel } from '../rpc.ts';

export const version = '3.14.0';
/** High enough for every feature that the library guards by the host's version. */
export const hostVersion = '4.1052.0';

/** Takes back a registration; the real worker gives one for each function and hook. */
export class Disposable {
  readonly #callOnDispose: () => void;

  constructor(callOnDispose: () => void) {
    this.#callOnDispose = callOnDispose;
  }

  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    this.#callOnDispose();
  }
}

export function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  if (functionApp.hasStarted) throw systemError('A function can only be registered during app startup.');
  if (functionApp.functions.has(metadata.name)) {
    throw systemError(`A function with name "${metadata.name}" has already been registered.`);
  }
  functionApp.functions.set(metadata.name, { metadata, callback });
  return new Disposable(() => {
    if (functionApp.hasStarted) throw systemError('A function can only be disposed during app startup.');
    functionApp.functions.delete(metadata.name);
  });
}

export function registerHook(hookName: string, callback: HookCallback): Disposable {
  if (!isHookName(hookName)) throw systemError(`Unrecognized hook "${hookName}"`, RangeError);
  const callbacks = functionApp.hooks.get(hookName) ?? [];
  callbacks.push(callback);
  return new Disposable(() => {
    const position = callbacks.indexOf(callback);
    if (position >= 0) callbacks.splice(position, 1);
  });
}

export function setProgrammingModel(model: ProgrammingModel): void {
  if (functionApp.hasStarted) throw systemError('A programming model can only be set during app startup.');
  functionApp.programmingModel = model;
}

export function getProgrammingModel(): ProgrammingModel | undefined {
  return functionApp.programmingModel;
}

export function log(level: LogLevel, category: LogCategory, message: string): void {
  sendLog(level, category, message);
}
