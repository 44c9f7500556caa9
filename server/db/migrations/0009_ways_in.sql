-- More ways in: member cards, guests whom staff let in, sign-in elsewhere, links to go on in another browser.

select 1;
