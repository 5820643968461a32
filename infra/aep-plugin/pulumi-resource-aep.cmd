@echo off
rem What pulumi-resource-aep is on Linux and macOS: Pulumi looks for .exe and .cmd on Windows.
node "%~dp0pulumi-resource-aep" %*
