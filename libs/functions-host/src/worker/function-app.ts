import type { FunctionMetadata, LogLevel, MessageFromWorker, TypedData } from '../rpc.ts';

export type LogCategory = 'user' | 'system' | 'customMetric';
export type FunctionCallback = (...inputs: unknown[]) => unknown;
export type HookCallback = (context: Record<string, unknown>) => unknown;

/**
 * What one invocation offers to the library: see `CoreInvocationContext` of
 * `@azure/functions-core`.
 */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly metadata: FunctionMetadata;
  state?: 'preInvocationHooks' | 'postInvocationHooks' | 'invocation' | undefined;
  log(level: LogLevel, category: LogCategory, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: TypedData | null }>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

const hookNames = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'] as const;
export type HookName = (typeof hookNames)[number];

interface RegisteredCallback {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/**
 * The one function app of this process: what it has registered while it was loaded, and what its
 * hooks share.
 */
export const functionApp = {
  functions: new Map<string, RegisteredCallback>(),
  hooks: new Map<HookName, HookCallback[]>(hookNames.map((name) => [name, []])),
  programmingModel: undefined as ProgrammingModel | undefined,
  hasStarted: false,
  appHookData: {} as Record<string, unknown>,
  appOnlyHookData: {} as Record<string, unknown>,
};

/** The error that the real worker throws for a wrong use of its interface. */
export function systemError(message: string, type: typeof Error = Error): Error {
  return Object.assign(new type(message), { isAzureFunctionsSystemError: true });
}

export function isHookName(name: string): name is HookName {
  return (hookNames as readonly string[]).includes(name);
}

/**
 * Runs the hooks one after the other, as the real worker does: each may change the context for the
 * next.
 */
export async function executeHooks(name: HookName, context: Record<string, unknown>): Promise<void> {
  for (const callback of functionApp.hooks.get(name) ?? []) await callback(context);
}

export function sendToHost(message: MessageFromWorker): void {
  if (process.connected) process.send?.(message);
}

/**
 * Log hooks may change and raise or lower what the app logs; a hook that throws never costs the
 * entry.
 */
export function sendLog(
  level: LogLevel,
  category: LogCategory,
  message: string,
  invocation?: { functionName: string; invocationId: string; context?: unknown },
): void {
  const hooked = { level, message, category, invocationContext: invocation?.context, hookData: {} };
  try {
    for (const callback of functionApp.hooks.get('log') ?? []) void callback(hooked);
  } catch (error) {
    sendToHost({ kind: 'log', level: 'warning', message: `A log hook failed: ${String(error)}.` });
  }
  const entry = category === 'user' ? hooked : { level, message };
  if (entry.level === 'none') return;
  sendToHost({
    kind: 'log',
    level: entry.level,
    message: entry.message,
    ...(invocation ? { functionName: invocation.functionName, invocationId: invocation.invocationId } : {}),
  });
}
