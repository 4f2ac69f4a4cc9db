"""What a guest's files say: traces of Sysprep, of waagent and of cloud-init -> a verdict."""
