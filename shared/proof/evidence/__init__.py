"""Judge the files of a guest: traces of Sysprep, waagent and cloud-init -> a verdict."""
