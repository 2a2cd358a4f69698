"""The configuration in force, its versions, and the way from one to the next without a half one."""
