// Before each file of end-to-end tests: the settings are those that all start with, whatever the file before has left.
import { beforeAll, inject } from "vitest";
import { resetSettings } from "./scratch";

beforeAll(() => resetSettings(inject("scratch")));
