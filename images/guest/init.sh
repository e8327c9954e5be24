#!/bin/busybox sh
# shellcheck shell=dash
# PID 1 of a guest: mounts file systems and disks, loads the modules, then becomes the session. It never starts anything
# else: what runs beside the subject costs commit and could decide a tier.
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
# The subject's scratch space; its pages count as RAM, so it is small and says so when full.
busybox mount -t tmpfs -o size=16M,mode=0700 tmpfs /run
busybox mount -t tmpfs -o size=64M tmpfs /tmp
busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
busybox ln -s /proc/self/fd /dev/fd
# What the kernel starts by itself, as /proc/sys/kernel/core_pattern may name a program, runs outside every namespace of
# the subject: without any capability it cannot reach the session there. Nobody can give them back.
for set in bset inheritable; do echo 0 0 >"/proc/sys/kernel/usermodehelper/$set"; done
# For subjects that listen, or talk to themselves. The wasm host does neither.
busybox ifconfig lo 127.0.0.1 up

while read -r module; do
  busybox insmod "/lib/modules-poolproof/$module" || echo "poolproof: module $module failed"
done </lib/modules-poolproof/order

# Drivers are there from the start or with their module: without one of these no disk and no session ever appears.
lacks=
[ -d /sys/bus/pci/drivers/virtio-pci ] || lacks=' VIRTIO_PCI'
[ -d /sys/bus/virtio/drivers/virtio_blk ] || lacks="$lacks VIRTIO_BLK"
[ -d /sys/bus/virtio/drivers/virtio_console ] || lacks="$lacks VIRTIO_CONSOLE"
busybox grep -qw erofs /proc/filesystems || lacks="$lacks EROFS_FS"
if [ -n "$lacks" ]; then
  echo "poolproof: the kernel lacks$lacks"
  busybox reboot -f
fi

# Disks appear a moment after their driver; the command line says how many to wait for.
disks=0
read -r line </proc/cmdline
for word in $line; do
  case $word in poolproof.disks=*) disks=${word#*=} ;; esac
done
tries=0
while set -- /sys/block/vd*; [ -e "$1" ] || shift; [ "$#" -lt "$disks" ] && [ "$tries" -lt 500 ]; do
  tries=$((tries + 1))
  busybox usleep 10000
done
for block in "$@"; do
  read -r name <"$block/serial"
  # The session makes it swap space when it is asked to.
  [ "$name" = swap ] && continue
  busybox mkdir -p "/disks/$name"
  busybox mount -t erofs -o ro "/dev/${block##*/}" "/disks/$name" || echo "poolproof: disk $name failed"
done
echo 'poolproof: session starts'
exec /bin/busybox sh /session
