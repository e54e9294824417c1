#!/usr/bin/env node
// Where kinesis-mock's main.js was: the settings are in the environment.
"use strict";

require("./launch.js")("kinesis-mock");
