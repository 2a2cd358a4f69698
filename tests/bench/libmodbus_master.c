/* libmodbus as a master: reads 60 registers of unit 1 again and again for some seconds.
   libmodbus_master PORT BAUD SECONDS */
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    uint16_t registers[60];
    long good = 0, lost = 0;
    if (count != 4)
        return 2;
    modbus_t *master = modbus_new_rtu(words[1], atoi(words[2]), 'N', 8, 1);
    if (!master || modbus_set_slave(master, 1) || modbus_connect(master))
        return 1;
    modbus_set_response_timeout(master, 1, 0);
    for (double end_s = now_s() + atof(words[3]); now_s() < end_s;) {
        if (modbus_read_registers(master, 0, 60, registers) == 60)
            good++;
        else
            lost++;
    }
    modbus_close(master);
    modbus_free(master);
    printf("%ld %ld\n", good, lost);
    return 0;
}
