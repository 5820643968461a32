import { Component } from '@pulumi/azure-native/applicationinsights/component.js';
import { Workbook } from '@pulumi/azure-native/applicationinsights/workbook.js';
import { Budget } from '@pulumi/azure-native/consumption/budget.js';
import { ActionGroup } from '@pulumi/azure-native/monitor/actionGroup.js';
import { DiagnosticSetting } from '@pulumi/azure-native/monitor/diagnosticSetting.js';
import { MetricAlert } from '@pulumi/azure-native/monitor/metricAlert.js';
import { ScheduledQueryRule } from '@pulumi/azure-native/monitor/scheduledQueryRule.js';
import { Workspace } from '@pulumi/azure-native/operationalinsights/workspace.js';
import { ComponentResource, interpolate, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { stableUuid, type Place } from '../place.ts';
import { logAlerts, type AlertLimits, type LogAlert } from './alert-rules.ts';
import { alertWords } from './alerts.ts';
import { metricRules, type MetricRule } from './metric-rules.ts';
import { workbookContent } from './workbook.ts';

export interface ObservabilityArgs {
  readonly place: Place;
  readonly resourceGroupId: Input<string>;
  readonly namespaceId: Input<string>;
  readonly vaultId: Input<string>;
  readonly dataAccountId: Input<string>;
  /** For how many days logs can be asked: 30 to 730; the first 31 are in the price. */
  readonly logRetentionDays: number;
  /**
   * The most gigabytes of logs that a day may cost; what exceeds it is not kept. -1 for no limit.
   */
  readonly logDailyQuotaGb: number;
  /** Who is written to when an alert rings. */
  readonly alertEmails: readonly string[];
  /**
   * Action groups of the organisation's own that ring too, by their ids; without either, alerts are
   * seen in the portal only.
   */
  readonly alertActionGroups: readonly string[];
  /** Where the repository is on the web, for the links to runbooks; empty where it is nowhere. */
  readonly repositoryUrl: string;
  readonly limits: AlertLimits;
  /**
   * What a month may cost, in the subscription's currency, and the first day from which it is
   * counted.
   */
  readonly budget?: { readonly monthly: number; readonly start: string };
}

/**
 * What tells a person how the environment is: logs and metrics in one workspace, alerts, a page for
 * the operator, and a budget. The function app has no diagnostic setting, since Flex Consumption
 * does not support one.
 */
export class Observability extends ComponentResource {
  readonly workspaceId: Output<string>;
  readonly applicationInsightsId: Output<string>;
  /**
   * Says where telemetry goes. It is no key, since the component takes it from signed-in senders
   * only.
   */
  readonly connectionString: Output<string>;
  readonly workbookId: Output<string>;

  constructor(name: string, args: ObservabilityArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:Observability', name, {}, options);
    const workspace = this.#createWorkspace(name, args);
    const insights = this.#createApplicationInsights(name, args.place, workspace);
    this.#watch(name, args, workspace);
    const actionGroup = this.#createActionGroup(name, args);
    const rung = [actionGroup.id, ...args.alertActionGroups];
    for (const rule of metricRules) this.#alertOnMetrics(name, args, rule, rung);
    for (const alert of logAlerts(args.limits)) this.#alertOnLogs(name, args, alert, { workspace, rung });
    const workbook = this.#createWorkbook(name, args, workspace);
    if (args.budget !== undefined) this.#createBudget(name, args, args.budget, actionGroup);

    this.workspaceId = workspace.id;
    this.applicationInsightsId = insights.id;
    this.connectionString = insights.connectionString;
    this.workbookId = workbook.id;
    this.registerOutputs({ workspaceId: this.workspaceId });
  }

  #createWorkspace(name: string, { place, logRetentionDays, logDailyQuotaGb }: ObservabilityArgs): Workspace {
    return new Workspace(
      `${name}-workspace`,
      {
        resourceGroupName: place.resourceGroupName,
        workspaceName: place.names.workspace,
        location: place.location,
        tags: place.tags,
        sku: { name: 'PerGB2018' },
        retentionInDays: logRetentionDays,
        workspaceCapping: { dailyQuotaGb: logDailyQuotaGb },
        features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true },
        publicNetworkAccessForIngestion: 'Enabled',
        publicNetworkAccessForQuery: 'Enabled',
      },
      { parent: this },
    );
  }

  #createApplicationInsights(name: string, place: Place, workspace: Workspace): Component {
    return new Component(
      `${name}-application-insights`,
      {
        resourceGroupName: place.resourceGroupName,
        resourceName: place.names.applicationInsights,
        location: place.location,
        tags: place.tags,
        kind: 'web',
        applicationType: 'web',
        ingestionMode: 'LogAnalytics',
        workspaceResourceId: workspace.id,
        disableLocalAuth: true,
        disableIpMasking: false,
        publicNetworkAccessForIngestion: 'Enabled',
        publicNetworkAccessForQuery: 'Enabled',
      },
      { parent: this },
    );
  }

  /**
   * Metrics of the hub, which the alerts ask for; who touched secrets; who deleted dead letters.
   */
  #watch(name: string, { namespaceId, vaultId, dataAccountId }: ObservabilityArgs, workspace: Workspace): void {
    const watched = [
      { what: 'namespace', uri: namespaceId, category: 'OperationalLogs', withMetrics: true },
      { what: 'vault', uri: vaultId, category: 'AuditEvent', withMetrics: false },
      {
        what: 'dead-letters',
        uri: interpolate`${dataAccountId}/blobServices/default`,
        category: 'StorageDelete',
        withMetrics: false,
      },
    ];
    for (const { what, uri, category, withMetrics } of watched) {
      new DiagnosticSetting(
        `${name}-diagnostics-${what}`,
        {
          name: 'to-workspace',
          resourceUri: uri,
          workspaceId: workspace.id,
          logs: [{ category, enabled: true }],
          metrics: withMetrics ? [{ category: 'AllMetrics', enabled: true }] : [],
        },
        { parent: this },
      );
    }
  }

  #createActionGroup(name: string, { place, alertEmails }: ObservabilityArgs): ActionGroup {
    return new ActionGroup(
      `${name}-action-group`,
      {
        resourceGroupName: place.resourceGroupName,
        actionGroupName: place.names.actionGroup,
        location: 'global',
        tags: place.tags,
        groupShortName: 'activation',
        enabled: true,
        emailReceivers: alertEmails.map((emailAddress) => ({
          name: emailAddress,
          emailAddress,
          useCommonAlertSchema: true,
        })),
      },
      { parent: this },
    );
  }

  #alertOnMetrics(
    name: string,
    { place, namespaceId, repositoryUrl }: ObservabilityArgs,
    rule: MetricRule,
    rung: readonly Input<string>[],
  ): MetricAlert {
    return new MetricAlert(
      `${name}-alert-${rule.name}`,
      {
        resourceGroupName: place.resourceGroupName,
        ruleName: place.names.within('alert', rule.name),
        location: 'global',
        tags: place.tags,
        description: alertWords(rule, repositoryUrl),
        severity: rule.severity,
        enabled: true,
        autoMitigate: true,
        scopes: [namespaceId],
        evaluationFrequency: rule.every,
        windowSize: rule.window,
        criteria: {
          odataType: 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria',
          allOf: rule.conditions.map(({ metric, operator, threshold }) => ({
            criterionType: 'StaticThresholdCriterion',
            name: metric,
            metricNamespace: 'Microsoft.EventHub/namespaces',
            metricName: metric,
            timeAggregation: 'Total',
            operator,
            threshold,
          })),
        },
        actions: rung.map((actionGroupId) => ({ actionGroupId })),
      },
      { parent: this },
    );
  }

  #alertOnLogs(
    name: string,
    { place, repositoryUrl }: ObservabilityArgs,
    alert: LogAlert,
    { workspace, rung }: { readonly workspace: Workspace; readonly rung: readonly Input<string>[] },
  ): ScheduledQueryRule {
    return new ScheduledQueryRule(
      `${name}-alert-${alert.name}`,
      {
        resourceGroupName: place.resourceGroupName,
        ruleName: place.names.within('alert', alert.name),
        location: place.location,
        tags: place.tags,
        kind: 'LogAlert',
        displayName: `${alert.title} (${place.names.resourceGroup})`,
        description: alertWords(alert, repositoryUrl),
        severity: alert.severity,
        enabled: true,
        autoMitigate: true,
        // The tables exist only once something has been written to them.
        skipQueryValidation: true,
        scopes: [workspace.id],
        evaluationFrequency: alert.every,
        windowSize: alert.window,
        criteria: {
          allOf: [
            {
              query: alert.query,
              timeAggregation: 'Maximum',
              metricMeasureColumn: alert.column,
              operator: alert.operator,
              threshold: alert.threshold,
              dimensions: alert.dimensions.map((column) => ({ name: column, operator: 'Include', values: ['*'] })),
              failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
            },
          ],
        },
        actions: { actionGroups: [...rung] },
      },
      { parent: this },
    );
  }

  #createWorkbook(name: string, { place, limits, repositoryUrl }: ObservabilityArgs, workspace: Workspace): Workbook {
    return new Workbook(
      `${name}-workbook`,
      {
        resourceGroupName: place.resourceGroupName,
        resourceName: stableUuid([place.subscriptionId, place.names.resourceGroup, 'workbook'].join('/')),
        location: place.location,
        tags: place.tags,
        kind: 'shared',
        category: 'workbook',
        displayName: `Activation Hub (${place.names.resourceGroup})`,
        sourceId: workspace.id,
        serializedData: workbookContent(limits, repositoryUrl),
      },
      { parent: this },
    );
  }

  /** Mails at four fifths of the budget, and when the month is forecast to exceed it. */
  #createBudget(
    name: string,
    { place, resourceGroupId, alertEmails }: ObservabilityArgs,
    { monthly, start }: NonNullable<ObservabilityArgs['budget']>,
    actionGroup: ActionGroup,
  ): Budget {
    const notification = (threshold: number, thresholdType: 'Actual' | 'Forecasted') => ({
      enabled: true,
      operator: 'GreaterThan',
      threshold,
      thresholdType,
      contactEmails: [...alertEmails],
      contactGroups: [actionGroup.id],
    });
    return new Budget(
      `${name}-budget`,
      {
        budgetName: place.names.budget,
        scope: resourceGroupId,
        category: 'Cost',
        amount: monthly,
        timeGrain: 'Monthly',
        timePeriod: { startDate: `${start}T00:00:00Z` },
        notifications: {
          'four-fifths-spent': notification(80, 'Actual'),
          'forecast-to-exceed': notification(100, 'Forecasted'),
        },
      },
      { parent: this },
    );
  }
}
