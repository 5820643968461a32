import {
  executeHooks,
  functionApp,
  sendLog,
  systemError,
  type CoreInvocationContext,
  type FunctionCallback,
  type ProgrammingModel,
} from './function-app.ts';
import type { InvocationInput, InvocationOutcome } from '../rpc.ts';

/**
 * Runs one invocation through the library's own programming model, in the order of the real worker:
 * arguments, pre-invocation hooks, the function, post-invocation hooks (which may change result and
 * error), response. Source: azure-functions-nodejs-worker `src/eventHandlers/InvocationHandler.ts`.
 */
export async function invoke(
  invocationId: string,
  functionName: string,
  input: InvocationInput,
): Promise<InvocationOutcome> {
  try {
    return { failed: false, returnValue: await run(invocationId, functionName, input) };
  } catch (error) {
    return { failed: true, error: describe(error) };
  }
}

async function run(invocationId: string, functionName: string, input: InvocationInput) {
  const registered = functionApp.functions.get(functionName);
  if (!registered) throw systemError(`Function code for '${functionName}' is not loaded and cannot be invoked.`);
  const model = programmingModel();
  const logged: { functionName: string; invocationId: string; context?: unknown } = { functionName, invocationId };
  const core: CoreInvocationContext = {
    invocationId,
    request: { invocationId, functionId: functionName, ...input },
    metadata: registered.metadata,
    log: (level, category, message) => sendLog(level, category, message, logged),
  };
  const invocation = await model.getInvocationModel(core);
  const { context, inputs } = await invocation.getArguments();
  logged.context = context;

  const hookData = {};
  const before = {
    hookData,
    appHookData: functionApp.appHookData,
    invocationContext: context,
    functionCallback: registered.callback,
    inputs,
  };
  core.state = 'preInvocationHooks';
  await executeHooks('preInvocation', before);

  const after: { error: unknown; result: unknown } & Record<string, unknown> = {
    hookData,
    appHookData: functionApp.appHookData,
    invocationContext: context,
    inputs: before.inputs,
    result: null,
    error: null,
  };
  core.state = 'invocation';
  try {
    const callback: FunctionCallback = before.functionCallback;
    after.result = await invocation.invokeFunction(context, before.inputs, callback);
  } catch (error) {
    after.error = error ?? new Error('Unknown error');
  }
  core.state = 'postInvocationHooks';
  await executeHooks('postInvocation', after);
  core.state = undefined;
  if (after.error !== null && after.error !== undefined) throw after.error as Error;
  const { returnValue } = await invocation.getResponse(context, after.result);
  return returnValue ?? null;
}

function programmingModel(): ProgrammingModel {
  if (!functionApp.programmingModel)
    throw systemError('The app has registered no function, so it has no programming model.');
  return functionApp.programmingModel;
}

function describe(error: unknown): { message: string; stack: string } {
  if (error instanceof Error) return { message: error.message, stack: error.stack ?? error.message };
  const message = typeof error === 'string' ? error : JSON.stringify(error);
  return { message, stack: message };
}
