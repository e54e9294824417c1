#!/usr/bin/env node
// Where kinesalite's cli.js was: the settings are the flags.
"use strict";

require("./launch.js")("kinesalite");
