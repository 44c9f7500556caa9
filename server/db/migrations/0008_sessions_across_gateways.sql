-- WiFi sessions as equipment tells them: network sessions of many gateways under one admission, tickets,
-- remembered devices, and what the connection check shows.

select 1;
