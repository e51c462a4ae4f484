#!/usr/bin/env bash
# Starts a Slurm of its own on this machine, for tests: Debian's packages (root), three nodes of one name each with one processor and a fake GPU, own
# keys, logs and state in a folder. Nothing of a Slurm that the machine may have otherwise is touched.
# Usage: build/slurm-start.sh [FOLDER]; then 'export SLURM_CONF=FOLDER/slurm.conf' and sbatch, squeue and scancel are its own.
set -euo pipefail
folder="$(realpath -m "${1:-/tmp/cudattr-slurm}")"
nodes=(node1 node2 node3)
port=16817 # slurmctld's; the nodes follow

[ "$(id -u)" -eq 0 ] || { echo "slurm-start: run as root" >&2; exit 1; }
if [ -f "$folder/slurm.conf" ] && SLURM_CONF="$folder/slurm.conf" sinfo >/dev/null 2>&1; then
    echo "slurm-start: it runs already; SLURM_CONF=$folder/slurm.conf"
    exit 0
fi
if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
    echo "slurm-start: installing slurmctld slurmd slurm-client munge"
    log=$(mktemp)
    # The packages' services are for a machine that is a cluster's; here they must not start.
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        exit 1
    fi
    rm -f "$log"
fi

# munged refuses a folder that others may write to, and Slurm reads the socket as root.
rm -rf "$folder"
mkdir -p "$folder"/{munge,state,log}
chmod 755 "$folder" "$folder/munge"
(umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
touch "$folder/fake-gpu"

{
    cat <<CONF
ClusterName=cudattr
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/state/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
# A node that says nothing for so many seconds is down, and its jobs are requeued.
SlurmdTimeout=15
SchedulerParameters=batch_sched_delay=0,sched_interval=2
PartitionName=main Nodes=$(IFS=,; echo "${nodes[*]}") Default=YES MaxTime=INFINITE State=UP
CONF
    for i in "${!nodes[@]}"; do
        echo "NodeName=${nodes[i]} NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=$((port + 1 + i)) CPUs=1 Gres=gpu:1 State=UNKNOWN"
    done
} >"$folder/slurm.conf"
echo "NodeName=${nodes[0]%1}[1-${#nodes[@]}] Name=gpu File=$folder/fake-gpu" >"$folder/gres.conf"
export SLURM_CONF="$folder/slurm.conf"

munged --force --num-threads=2 --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed" 2>>"$folder/log/munged.log"
slurmctld -c -f "$SLURM_CONF" >>"$folder/log/slurmctld.log" 2>&1
for node in "${nodes[@]}"; do slurmd -N "$node" -f "$SLURM_CONF" >>"$folder/log/slurmd-$node.log" 2>&1; done

for _ in $(seq 60); do
    if [ "$(sinfo --noheader --Node --states=idle --format=%N 2>/dev/null | wc -l)" -eq "${#nodes[@]}" ]; then
        echo "slurm-start: ${#nodes[@]} nodes are idle; SLURM_CONF=$SLURM_CONF"
        exit 0
    fi
    sleep 1
done
echo "slurm-start: the nodes did not come up within a minute; see $folder/log" >&2
sinfo --Node --long >&2 || true
"$(dirname "$0")/slurm-stop.sh" "$folder"
exit 1
